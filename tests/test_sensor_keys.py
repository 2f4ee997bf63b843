# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of server and sensors: made once, for nobody else to read, and checked."""

from __future__ import annotations

import os

import pytest
from radiofm_command import radiofm

from radiofm_core.errors import UsageError
from radiofm_net.curve_keys import (
    KnownSensors,
    make_sensor_keys,
    make_server_keys,
    read_sensor_keys,
    read_server_keys,
)


@pytest.fixture
def folder(tmp_path):
    make_server_keys(tmp_path / "keys")
    make_sensor_keys(tmp_path / "keys", "roof")
    return tmp_path / "keys"


def rights(path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_secret_is_for_its_owner_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        make_server_keys(tmp_path / "keys")
        path = make_sensor_keys(tmp_path / "keys", "roof")
    finally:
        os.umask(before)
    assert rights(path) == rights(tmp_path / "keys" / "server.key_secret") == 0o600
    assert rights(tmp_path / "keys") == 0o700


def test_a_sensor_has_its_pair_and_the_servers_public_key(folder):
    server, sensor = read_server_keys(folder), read_sensor_keys(folder / "roof.key_secret")
    assert sensor.server == server.public
    assert KnownSensors(server.sensors).name_of(sensor.public) == "roof"
    assert sensor.secret not in (folder / "sensors" / "roof.key").read_bytes()


def test_the_server_knows_who_may_send_as_the_folder_is_now(folder):
    known = KnownSensors(folder / "sensors")
    assert known.names() == {"roof"}
    make_sensor_keys(folder, "barn")
    assert known.names() == {"barn", "roof"}
    (folder / "sensors" / "roof.key").unlink()
    assert known.names() == {"barn"}
    (folder / "sensors" / "odd.key").write_text("no key\n")
    assert known.names() == {"barn"}
    assert KnownSensors(folder / "none").names() == set()


def test_keys_that_are_there_are_not_replaced(folder):
    before = (folder / "server.key_secret").read_bytes()
    assert not make_server_keys(folder)
    assert (folder / "server.key_secret").read_bytes() == before
    with pytest.raises(UsageError, match="is there already"):
        make_sensor_keys(folder, "roof")


@pytest.mark.parametrize("name", ["", "a/b", "..", ".x", "server", "a b", "x" * 64])
def test_a_name_that_is_none_is_refused(folder, name):
    with pytest.raises(UsageError, match="expected a name"):
        make_sensor_keys(folder, name)


def damage(path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.unlink(), "expected the file"),
        (lambda path: path.chmod(0o644), "chmod 600"),
        (lambda path: path.write_text(""), "holds no keys"),
        (lambda path: damage(path, b"secret-key", b"other-key"), "no secret key"),
        (lambda path: damage(path, b"server-key", b"other-key"), "no server-key"),
        (lambda path: damage(path, b'secret-key = "', b'secret-key = "X'), "no pair of keys"),
        (lambda path: path.write_bytes(os.urandom(1000)), "holds no"),
    ],
)
def test_a_sensors_file_that_is_wrong_is_refused_in_one_line(folder, spoil, told):
    path = folder / "roof.key_secret"
    spoil(path)
    with pytest.raises(UsageError, match=told) as error:
        read_sensor_keys(path)
    assert "\n" not in str(error.value)


def test_a_server_without_keys_says_how_to_make_them(tmp_path):
    with pytest.raises(UsageError, match="radiofm keys new"):
        read_server_keys(tmp_path)


def test_the_command_makes_them_and_says_what_goes_where(tmp_path):
    done = radiofm("keys", "new", tmp_path / "keys", "roof", "barn")
    assert done.returncode == 0, done.stderr
    assert "barn.key_secret: move it to the sensor" in done.stdout
    assert read_sensor_keys(tmp_path / "keys" / "barn.key_secret").path.is_file()
    again = radiofm("keys", "new", tmp_path / "keys", "roof")
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_keys_that_systemd_hands_to_a_service_may_have_the_rights_of_a_list(folder, monkeypatch):
    path = folder / "roof.key_secret"
    path.chmod(0o440)
    with pytest.raises(UsageError, match="open to others"):
        read_sensor_keys(path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "sensors"))
    with pytest.raises(UsageError, match="open to others"):
        read_sensor_keys(path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert read_sensor_keys(path).path == path
