// SPDX-License-Identifier: GPL-3.0-or-later
// Browsers start no worker from a page that was opened as a file. The search of this site runs in
// one: here it runs in a hidden frame instead, which has the same messages.
"use strict";

if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.waiting = [];
      this.receive = (data) => frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
      this.frame = frame;
      const inside = frame.contentWindow;
      inside.postMessage = (data) => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        if (this.onmessage) this.onmessage(event);
      };
      inside.importScripts = (...addresses) =>
        Promise.all(addresses.map((address) => Worker.load(frame.contentDocument, address)));
      Worker.load(frame.contentDocument, url).then(() => {
        const early = this.waiting;
        this.waiting = null;
        early.forEach(this.receive);
      });
    }

    static load(page, address) {
      return new Promise((done, failed) => {
        const script = page.createElement("script");
        script.src = address;
        script.onload = done;
        script.onerror = () => failed(new Error(`cannot load ${address}`));
        page.body.append(script);
      });
    }

    postMessage(data) {
      if (this.waiting) this.waiting.push(data);
      else this.receive(data);
    }

    terminate() {
      this.frame.remove();
    }
  };
}
