# SPDX-License-Identifier: Apache-2.0
"""processes.py - the server and the clients: started, stopped, killed, asked"""

import json
import mmap
import os
import signal
import socket
import struct
import subprocess
import time

PORT = 7471
LEASE_MS = 1000
MEMORY = '24MiB'
START_SECONDS = 60

# The members of struct counters, in counters.h, in their order.
COUNTERS = ('proven', 'quiet', 'swept', 'submitted', 'completed', 'twice', 'hung', 'stores',
            'loads', 'locks', 'stores_done', 'stores_failed', 'loads_done', 'keys_found',
            'keys_loaded', 'deletes', 'bytes_stored', 'bytes_verified', 'wrong_bytes',
            'late_bytes')


class Violation(Exception):
    """A promise was broken."""


def wait_until(what, condition, seconds):
    """Until the condition holds; a Violation if it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Violation(f'hang: {what}, not within {seconds} s')
        time.sleep(0.01)


class Process:
    """Something that can be killed, stopped and resumed."""

    def __init__(self, host, words, log, **options):
        with open(log, 'ab') as stderr:
            self.child = subprocess.Popen(host.command(words), stderr=stderr, **options)
        self.host = host
        self.log = log
        self.stopped = False

    def signal(self, number):
        """Send a signal, if there is somebody to get it."""
        if self.alive():
            self.child.send_signal(number)

    def stop(self):
        """Stand still."""
        self.signal(signal.SIGSTOP)
        self.stopped = True

    def resume(self):
        """Go on."""
        if self.stopped:
            self.signal(signal.SIGCONT)
        self.stopped = False

    def kill(self):
        """End without a goodbye."""
        self.signal(signal.SIGKILL)
        self.child.wait()
        self.stopped = False

    def alive(self):
        """It has not ended."""
        return self.child.poll() is None

    def resources(self):
        """Resident bytes and open file descriptors."""
        with open(f'/proc/{self.child.pid}/statm', encoding='ascii') as file:
            pages = int(file.read().split()[1])
        return pages * 4096, len(os.listdir(f'/proc/{self.child.pid}/fd'))

    def tail(self, lines=15):
        """The end of its log."""
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.readlines()[-lines:]


class Server(Process):
    """remorad."""

    def __init__(self, host, build, folder):
        self.socket = f'{folder}/control'
        log = f'{folder}/server.log'
        started = os.path.getsize(log) if os.path.exists(log) else 0
        super().__init__(host, [
            f'{build}/server/remorad', '--insecure', '--listen', f'{host.address}:{PORT}',
            '--memory', MEMORY, '--huge', 'off', '--workers', '2', '--lease-ms', str(LEASE_MS),
            '--control', self.socket], log)
        self.first = None  # what it had when it was new
        self.audits = 0
        self.wait_ready(started)

    def wait_ready(self, offset):
        """Until it has said that it is ready."""
        def ready():
            if not self.alive():
                raise Violation('the server did not start')
            with open(self.log, 'rb') as file:
                file.seek(offset)
                return b' address=' in file.read()
        wait_until('the server starts', ready, START_SECONDS)

    def ask(self, command):
        """One command of the control socket."""
        with socket.socket(socket.AF_UNIX) as asker:
            asker.settimeout(60)
            asker.connect(self.socket)
            asker.sendall(command.encode() + b'\n')
            return json.loads(asker.makefile().readline())


class Client(Process):
    """chaos_client."""

    def __init__(self, host, build, folder, server, number, seed):
        self.number = number
        path = f'{folder}/counters-{number}'
        with open(path, 'wb') as file:
            file.write(bytes(8 * len(COUNTERS)))
        with open(path, 'rb') as file:
            self.memory = mmap.mmap(file.fileno(), 8 * len(COUNTERS), prot=mmap.PROT_READ)
        self.counters_path = path
        super().__init__(host, [
            f'{build}/tests/chaos/chaos_client', f'{server.address}:{PORT}', path, str(number),
            str(seed)], f'{folder}/client-{number}.log', stdin=subprocess.PIPE, bufsize=0)
        self.first = None
        self.audits = 0

    def counters(self):
        """All of its counters, also after its death."""
        return dict(zip(COUNTERS, struct.unpack(f'={len(COUNTERS)}Q', self.memory[:])))

    def say(self, line):
        """Give a command."""
        try:
            self.child.stdin.write(line.encode() + b'\n')
        except BrokenPipeError:
            pass  # it is dead, which is noticed elsewhere

    def forget(self):
        """After its end: what is left in the file system."""
        self.child.stdin.close()
        self.memory.close()
        os.unlink(self.counters_path)
        os.unlink(self.log)
