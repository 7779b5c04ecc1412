# SPDX-License-Identifier: Apache-2.0
"""driver.py - rounds of faults, and what is looked at after each one

Started by tests/chaos/run, inside a lab.
"""

import argparse
import collections
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

from faults import KINDS, SIW_ONLY, plan
from hosts import lab_hosts
from processes import Client, Server, Violation, wait_until

HANG_SECONDS = 90     # until somebody who is well has to be working again
SETTLE_SECONDS = 30   # until nothing is left of those who are gone
WARM_AUDITS = 2       # before memory and descriptors have to stand still
RSS_SLACK = 16 << 20  # bytes
FD_SLACK = 3


class World:
    """The server, the clients, the hosts, and all that was counted."""

    def __init__(self, options):
        self.options = options
        self.build = os.path.abspath(options.build)
        self.folder = tempfile.mkdtemp(prefix='chaos-')
        self.hosts = lab_hosts()
        self.device = os.environ['REMORA_LAB_DEVICE_TYPE']
        self.client_count = options.clients
        self.clients = []
        self.born = 0
        self.server = None
        self.faults = collections.Counter()
        self.totals = collections.Counter()
        self.recovery = collections.defaultdict(list)
        self.kills = 0
        self.command = 0
        self.leaks = {'leaked_extents': 0, 'leaked_locks': 0}
        self.stopped_mid = collections.Counter()
        self.growth = 0
        self.phases = collections.Counter()

    def count(self, kind):
        """One more fault of this kind."""
        self.faults[kind] += 1

    # The server.

    def start_server(self):
        """Start one, unless one is there."""
        if not self.server or not self.server.alive():
            self.server = Server(self.hosts[-1], self.build, self.folder)

    def kill_server(self):
        """kill -9."""
        self.kills += 1
        self.server.kill()

    # The clients.

    def start_client(self, place):
        """A new client in that place."""
        self.born += 1
        host = self.hosts[place % (len(self.hosts) - 1)]
        client = Client(host, self.build, self.folder, self.hosts[-1], self.born,
                        self.options.seed * 1000 + self.born)
        if place < len(self.clients):
            self.clients[place] = client
        else:
            self.clients.append(client)

    def kill_client(self, place):
        """kill -9, if it was not before."""
        if self.clients[place].alive():
            self.kills += 1
            self.clients[place].kill()

    def stop_client(self, place):
        """SIGSTOP; tells what it was about."""
        client = self.clients[place]
        client.stop()
        counters = client.counters()
        self.stopped_mid['store'] += counters['stores'] > 0
        self.stopped_mid['load'] += counters['loads'] > 0

    def say(self, line):
        """Tell it to all clients that can hear."""
        for client in self.clients:
            if client.alive():
                client.say(line)

    def bury(self, place):
        """Take over what a dead client had counted, and start another one."""
        client = self.clients[place]
        self.add_up(client)
        client.forget()
        self.start_client(place)

    def add_up(self, client):
        """Add a client's counters to the sums."""
        for name, value in client.counters().items():
            self.totals[name] += value

    # What has to be true.

    def check_alive(self):
        """Nobody dies who was not killed."""
        if not self.server.alive():
            raise Violation(f'the server ended by itself: {self.server.child.returncode}')
        for client in self.clients:
            if not client.alive():
                raise Violation(f'client {client.number} ended by itself: '
                                f'{client.child.returncode}')

    def obeyed(self, counter):
        """All clients have written the command's number to a counter."""
        self.check_alive()
        return all(client.counters()[counter] == self.command for client in self.clients)

    def command_all(self, verb, counter):
        """Give a command to all clients and wait until all have done it."""
        self.command += 1
        self.say(f'{verb} {self.command}')
        wait_until(f'every client obeys "{verb}"', lambda: self.obeyed(counter), HANG_SECONDS)

    def sweep(self, place):
        """One client loads every key that there is."""
        client = self.clients[place]
        self.command += 1
        client.say(f'sweep {self.command}')

        def swept():
            self.check_alive()
            return client.counters()['swept'] == self.command
        wait_until('a client loads every key', swept, HANG_SECONDS)

    def audit(self):
        """Until nothing is left of the dead; the books must be right at any time."""
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            found = self.server.ask('audit')
            for name in self.leaks:
                self.leaks[name] += found.get(name, 0)
            if not found['ok']:
                raise Violation(f'audit: {found}')
            if not found['locks'] and not found['reserved_bytes'] and \
                    found['sessions'] == len(self.clients):
                return
            if time.monotonic() > end:
                self.leaks['leaked_locks'] += found['locks']
                self.leaks['leaked_extents'] += found['reserved_bytes'] > 0
                raise Violation(f'something is left although all clients are quiet: {found} '
                                f'{self.server.ask("sessions")}')
            time.sleep(0.02)

    def check_counters(self):
        """Each byte right, each task ended once."""
        for client in self.clients:
            counters = client.counters()
            for name in ('wrong_bytes', 'late_bytes', 'twice', 'hung'):
                if counters[name]:
                    raise Violation(f'client {client.number}: {name} {counters[name]}')
            if counters['submitted'] != counters['completed']:
                raise Violation(f'client {client.number}: {counters["submitted"]} tasks, '
                                f'{counters["completed"]} results')

    def check_flat(self, process, name):
        """Memory and file descriptors stay as they were when it was warm."""
        process.audits += 1
        rss, fds = process.resources()
        if process.audits <= WARM_AUDITS:
            process.first = (rss, fds)
            return
        self.growth = max(self.growth, rss - process.first[0])
        if rss > process.first[0] + RSS_SLACK:
            raise Violation(f'{name} grew from {process.first[0]} to {rss} bytes')
        if fds > process.first[1] + FD_SLACK:
            raise Violation(f'{name} had {process.first[1]} descriptors and has {fds}')

    # A round.

    def inflict(self, faults):
        """Begin and end each fault at its point in time."""
        steps = sorted([(fault.begin, fault.start) for fault in faults] +
                       [(fault.begin + fault.length, fault.end) for fault in faults],
                       key=lambda step: step[0])
        began = time.monotonic()
        for at, step in steps:
            time.sleep(max(0, began + at - time.monotonic()))
            step(self)

    def heal(self):
        """All is well again, from the outside."""
        for host in self.hosts:
            host.heal()
        self.server.resume()
        for client in self.clients:
            client.resume()
        self.start_server()
        for place, client in enumerate(self.clients):
            if client.child.returncode == -9:
                self.bury(place)

    def round(self, number, faults):
        """Break, heal, wait for everybody, look. Returns the seconds to recover."""
        self.phase('inflict', lambda: self.inflict(faults))
        self.phase('heal', self.heal)
        self.say('free')
        recovered = self.phase('recover', lambda: self.command_all('prove', 'proven'))
        for fault in faults:
            self.recovery[fault.kind].append(recovered)
        self.phase('quiet', lambda: self.command_all('quiet', 'quiet'))
        self.phase('sweep', lambda: self.sweep(number % self.client_count))
        self.phase('audit', self.audit)
        self.check_counters()
        self.check_flat(self.server, 'the server')
        for client in self.clients:
            self.check_flat(client, f'client {client.number}')
        self.say('go')
        return recovered

    def phase(self, name, action):
        """Do a part of a round. Returns the seconds that it took."""
        began = time.monotonic()
        action()
        took = time.monotonic() - began
        self.phases[name] += took
        return took

    def end(self):
        """Let the clients end well, count, and leave nothing behind."""
        for client in self.clients:
            client.resume()
            client.say('end')
        for client in self.clients:
            try:
                status = client.child.wait(HANG_SECONDS)
            except Exception as error:
                raise Violation(f'hang: client {client.number} does not end') from error
            if status:
                raise Violation(f'client {client.number} ended with {status}')

    def destroy(self):
        """Kill whatever is there."""
        for host in self.hosts:
            host.heal()
        for client in self.clients:
            client.kill()
            self.add_up(client)
        if self.server:
            self.server.kill()
        shutil.rmtree(self.folder)

    def report(self, rounds, seconds, hangs):
        """The figures."""
        return {
            'device': self.device,
            'backend': os.environ['REMORA_LAB_BACKEND'],
            'seed': self.options.seed,
            'rounds': rounds,
            'seconds': round(seconds, 1),
            'clients': self.client_count,
            'kills': self.kills,
            'bytes_stored': self.totals['bytes_stored'],
            'bytes_verified': self.totals['bytes_verified'],
            'wrong_bytes': self.totals['wrong_bytes'],
            'late_bytes': self.totals['late_bytes'],
            'tasks': self.totals['completed'],
            'stores_failed': self.totals['stores_failed'],
            'told_twice': self.totals['twice'],
            'hangs': hangs + self.totals['hung'],
            **self.leaks,
            'rss_growth': self.growth,
            'faults': dict(sorted(self.faults.items())),
            'phase_seconds': {name: round(took, 1) for name, took in self.phases.items()},
            'stopped_mid_store': self.stopped_mid['store'],
            'stopped_mid_load': self.stopped_mid['load'],
            'recovery_ms': {
                kind: {'median': round(1000 * statistics.median(times)),
                       'max': round(1000 * max(times))}
                for kind, times in sorted(self.recovery.items())},
        }


def kinds_of(text):
    """The value of --faults."""
    kinds = tuple(text.split(','))
    for kind in kinds:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError(f'"{kind}": there are {", ".join(KINDS)}')
    return kinds


def parse():
    """The command line; see tests/chaos/run."""
    parser = argparse.ArgumentParser(prog='tests/chaos/run')
    parser.add_argument('--rounds', type=int, default=50)
    parser.add_argument('--from', type=int, default=1, dest='first')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--clients', type=int, default=4)
    parser.add_argument('--faults', type=kinds_of, default=None)
    parser.add_argument('--json')
    parser.add_argument('--build', default='build')
    options = parser.parse_args()
    if options.rounds < 1 or options.clients < 1:
        parser.error('--rounds and --clients are at least 1')
    if not options.faults:
        siw = os.environ['REMORA_LAB_DEVICE_TYPE'] == 'siw'
        options.faults = tuple(kind for kind in KINDS if siw or kind not in SIW_ONLY)
    return options


def tell_failure(world, options, number, faults, violation):
    """What broke, how to see it again, and the logs."""
    print(f'\nround {number}: {violation}')
    print('faults: ' + ', '.join(map(str, faults)))
    print(f'again: tests/chaos/run --device {world.device} '
          f'--seed {options.seed} --from {number} --rounds 1 --clients {options.clients}'
          f' --faults {",".join(options.faults)} (or all rounds from 1 to {number})')
    for process in [world.server, *world.clients]:
        print(f'--- {os.path.basename(process.log)}')
        sys.stdout.writelines(process.tail(15))


def run_rounds(world, options):
    """Returns the rounds that were done and how many hangs there were."""
    every = 1 if os.environ.get('CHAOS_PROGRESS') else 10
    number = options.first - 1
    faults = []
    last = options.first + options.rounds - 1
    try:
        world.start_server()
        for place in range(options.clients):
            world.start_client(place)
        while number < last:
            number += 1
            faults = plan(options.seed, number, options.faults, world)
            recovered = world.round(number, faults)
            if number % every == 0 or number == last:
                print(f'round {number} of {last}: {", ".join(map(str, faults))}: '
                      f'well after {recovered:.2f} s', flush=True)
        world.end()
        return options.rounds, 0, True
    except Violation as violation:
        tell_failure(world, options, number, faults, violation)
        return number - options.first + 1, str(violation).startswith('hang'), False


def main():
    """Returns the exit status."""
    options = parse()
    world = World(options)
    began = time.monotonic()
    try:
        rounds, hangs, good = run_rounds(world, options)
    finally:
        world.destroy()
    report = world.report(rounds, time.monotonic() - began, int(hangs))
    text = json.dumps(report, indent=2)
    print(text)
    if options.json:
        with open(options.json, 'w', encoding='ascii') as file:
            file.write(text + '\n')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
