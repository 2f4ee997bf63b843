# SPDX-License-Identifier: GPL-3.0-or-later
"""The service under a real systemd, in namespaces of its own: ready, killed, again there, ended."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from event_brokers import free_port
from level_model import make_level_bundle, write_long_recording

UNITS = Path(sys.prefix) / "share/radiofm"
RADIOFM = Path(sys.prefix) / "bin/radiofm"
SYSTEMD = Path("/lib/systemd/systemd")
# What a systemd of one user, which is not the machine's, cannot do
NOT_HERE = (
    "DynamicUser",
    "SupplementaryGroups",
    "Capability",
    "Protect",
    "Restrict",
    "SystemCall",
    "PrivateTmp",
)
NAMESPACES = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc"]
# Runs systemd, as in a session of its own; what follows is the words of a test
START = """
# of these namespaces alone, as what came before is private: credentials are mounts
mount --make-rshared /
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user/0 && chmod 700 /run/user/0
export XDG_RUNTIME_DIR=/run/user/0 HOME=$1
unset NOTIFY_SOCKET
/lib/systemd/systemd --user --log-target=null --show-status=0 &
for i in $(seq 1200); do systemctl --user show > /dev/null 2>&1 && break; sleep 0.1; done
tell() { systemctl --user show "$1" -p "$2" --value; }
count() { cat "$HOME"/.config/radiofm/*/events/*.jsonl 2> /dev/null | grep -c "$1"; }
wait_for_events() {
    before=$(count "$1")
    for i in $(seq 1200); do [ "$(count "$1")" -gt $((before + 5)) ] && return; sleep 0.1; done
}
kill_and_wait() {
    main=$(tell "$1" MainPID)
    [ "$main" -gt 1 ] && kill -KILL "$main"
    for i in $(seq 1200); do
        [ "$(tell "$1" NRestarts)" = 1 ] && [ "$(tell "$1" ActiveState)" = active ] && break
        sleep 0.1
    done
    echo "restarted $(tell "$1" NRestarts) $(tell "$1" ActiveState)"
}
stop() {
    systemctl --user stop "$1"
    echo "stopped $(tell "$1" ActiveState) $(tell "$1" Result)"
}
"""
WATCH = """
unit=radiofm-watch@roof
systemctl --user start $unit && echo "started $(tell $unit ActiveState) $(tell $unit StatusText)"
wait_for_events .
kill_and_wait $unit
wait_for_events .
stop $unit
echo 'no-such-option: 1' > "$1/wrong.yaml"
systemctl --user start radiofm-watch@wrong 2> /dev/null
sleep 3
unit=radiofm-watch@wrong
echo "wrong $(tell $unit ActiveState) $(tell $unit NRestarts) $(tell $unit ExecMainStatus)"
"""
# The server makes its keys; the sensor begins before it is let in
SENSORS = """
server=radiofm-serve@hall sensor=radiofm-sensor@roof
systemctl --user start $server && echo "server $(tell $server ActiveState)"
keys=$HOME/.config/radiofm/hall/keys
echo "keys $(stat -c %a $keys/server.key_secret)"
"$2" keys new "$keys" roof > /dev/null && mv "$keys/roof.key_secret" "$HOME"
mv "$keys/sensors/roof.key" "$HOME"
systemctl --user start $sensor && echo "sensor $(tell $sensor ActiveState)"
for i in $(seq 1200); do [ "$(tell $sensor ExecMainStatus)" = 2 ] && break; sleep 0.1; done
echo "unknown $(tell $sensor ExecMainStatus)"
mv "$HOME/roof.key" "$keys/sensors"
wait_for_events '"emission"'
echo "heard $(tell $sensor ActiveState) $(count '"emission"')"
kill_and_wait $server
wait_for_events '"emission"'
echo "again $(count '"emission"')"
stop $sensor
stop $server
"""
END = "systemctl --user exit\n"


@pytest.fixture
def home(tmp_path) -> Path:
    """With the units, as a user's."""
    tried = SYSTEMD.exists() and shutil.which("unshare") and shutil.which("systemctl")
    if not tried or subprocess.run([*NAMESPACES, "mount", "-t", "tmpfs", "x", "/run"]).returncode:
        pytest.skip("needs systemd, and root for namespaces")
    home = tmp_path / "home"
    units = home / ".config/systemd/user"
    units.mkdir(parents=True)
    for name in ("watch", "sensor", "serve"):
        unit = UNITS / f"radiofm-{name}@.service"
        lines = unit.read_text().replace("/etc/radiofm/", f"{home}/").splitlines()
        kept = [line for line in lines if not line.startswith(NOT_HERE)]
        text = re.sub(
            "RestartSec=.*", f"RestartSec=1\nStandardError=append:{home}/log", "\n".join(kept)
        )
        (units / unit.name).write_text(text)
    return home


def run_systemd(home: Path, script: str) -> tuple[list[str], str]:
    """(lines that the script printed, all that was said)."""
    command = [*NAMESPACES, "bash", "-c", START + script + END, "bash", str(home), str(RADIOFM)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=900, start_new_session=True
    )
    log = home / "log"
    told = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return told, done.stdout + done.stderr + (log.read_text() if log.exists() else "")


def test_systemd_starts_it_again_and_it_goes_on_in_the_same_files(home):
    options = {
        # nobody publishes: it is ready all the same
        "source": f"zmq=tcp://127.0.0.1:{free_port()}",
        "sample-rate": "1.92M",
        "model": str(make_level_bundle(home / "level.pt")),
        "output": ["jsonl=events"],
    }
    (home / "roof.yaml").write_text(yaml.safe_dump(options))
    lines, log = run_systemd(home, WATCH)
    assert lines[0].startswith("started active"), log
    # a file that is wrong stays so
    wanted = ["restarted 1 active", "stopped inactive success", "wrong failed 0 2"]
    assert lines[1:] == wanted, log
    runs: dict[str, list[dict]] = {}
    for path in sorted((home / ".config/radiofm/roof/events").glob("*.jsonl")):
        for event in map(json.loads, path.read_text().splitlines()):
            runs.setdefault(event["run"], []).append(event)
    killed, ended = sorted(runs.values(), key=lambda events: events[0]["time"])
    for events in (killed, ended):
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert ended[-1]["type"] == "run" and ended[-1]["reason"] == "stopped"


def test_a_server_and_a_sensor_find_each_other_again(home, tmp_path):
    address = f"tcp://127.0.0.1:{free_port()}"
    model = str(make_level_bundle(home / "level.pt"))
    # it plays for longer than the test takes
    recording = write_long_recording(tmp_path / "two", 180)
    serve = {"listen": address, "model": model, "threads": 1, "output": ["jsonl=events"]}
    sensor = {"server": address, "source": f"file={recording}"}
    for name, options in (("hall", serve), ("roof", sensor)):
        (home / f"{name}.yaml").write_text(yaml.safe_dump(options))
    lines, log = run_systemd(home, SENSORS)
    told = dict(line.split(maxsplit=1) for line in lines[:5])
    assert told["server"] == "active" and told["keys"] == "600", log
    # ready though the server does not let it in, and started anew until it does
    assert told["sensor"] == "active" and told["unknown"] == "2", log
    assert told["heard"].startswith("active") and int(told["heard"].split()[1]) > 5, log
    assert lines[5] == "restarted 1 active", log
    assert int(lines[6].split()[1]) > int(told["heard"].split()[1]) + 5, log
    assert lines[7:] == ["stopped inactive success"] * 2, log
