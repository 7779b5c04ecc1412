# SPDX-License-Identifier: Apache-2.0
"""faults.py - what goes wrong in a round: drawn from the seed, then done"""

import random

from processes import LEASE_MS

LEASE = LEASE_MS / 1000

# What siw survives and rxe does not: a disconnect that is sent on a dead link
# ends rxe's connection manager until the device is made anew (docs/lab.md), and
# when packets overtake each other, rxe tells READs complete that are not
# (docs/chaos.md); corruption now and then ends its connection manager too.
SIW_ONLY = ('link-down', 'reorder', 'corrupt')


class Fault:
    """One fault: a kind, when it begins and ends, and whom it hits."""

    def __init__(self, kind, draw, world):
        self.kind = kind
        self.begin = draw.uniform(0, 0.3)
        self.length = draw.uniform(0.1, 0.5)
        self.spec = ''
        self.targets = []
        getattr(self, 'plan_' + kind.replace('-', '_'))(draw, world)

    def __str__(self):
        who = ' '.join(map(str, self.targets))
        return f'{self.kind}({who}{" " if who and self.spec else ""}{self.spec}) ' \
               f'{self.begin:.2f}+{self.length:.2f}'

    # Drawing. Clients are named by their place, which a new one takes over.

    def some_clients(self, draw, world):
        count = draw.randint(1, max(1, world.client_count // 2))
        return sorted(draw.sample(range(world.client_count), count))

    def some_hosts(self, draw, world):
        """One host, or all: a packet is lost, or nobody's packets arrive."""
        count = len(world.hosts)
        return [draw.randrange(count)] if draw.random() < 0.7 else list(range(count))

    def plan_kill_client(self, draw, world):
        self.targets = self.some_clients(draw, world)

    def plan_kill_server(self, draw, world):
        self.length = draw.uniform(0, 0.4)

    def plan_stop_client(self, draw, world):
        self.targets = self.some_clients(draw, world)
        self.length = LEASE * draw.uniform(1.1, 1.5)

    def plan_stop_server(self, draw, world):
        self.length = LEASE * draw.uniform(0.2, 1.4)

    def plan_late(self, draw, world):
        """Packets that arrive when their sender has been given up for dead."""
        self.targets = [draw.randrange(len(world.hosts) - 1)]
        self.length = LEASE * 1.6
        self.spec = f'delay {int(LEASE_MS * draw.uniform(1.15, 1.4))}ms'

    def plan_cut(self, draw, world):
        self.targets = self.some_hosts(draw, world)
        self.spec = 'loss 100%'
        self.length = LEASE * draw.choice([0.2, 0.5, 1.3])

    def plan_link_down(self, draw, world):
        self.targets = [draw.randrange(len(world.hosts))]
        self.length = LEASE * draw.choice([0.2, 1.3])

    def plan_loss(self, draw, world):
        self.targets = self.some_hosts(draw, world)
        self.spec = f'loss {draw.choice([0.5, 2, 10])}%'

    def plan_delay(self, draw, world):
        self.targets = self.some_hosts(draw, world)
        jitter = draw.choice([0, 5]) if world.device == 'siw' else 0
        self.spec = f'delay {draw.choice([1, 10, 100])}ms {jitter}ms'

    def plan_reorder(self, draw, world):
        self.targets = self.some_hosts(draw, world)
        self.spec = f'delay 3ms reorder {draw.choice([50, 90])}% 25%'

    def plan_duplicate(self, draw, world):
        self.targets = self.some_hosts(draw, world)
        self.spec = f'duplicate {draw.choice([1, 20])}%'

    def plan_corrupt(self, draw, world):
        self.targets = self.some_hosts(draw, world)
        self.spec = f'corrupt {draw.choice([0.1, 1, 5])}%'

    def plan_fill(self, draw, world):
        """Everybody keeps what is locked: there is no room left."""

    # Doing.

    def start(self, world):
        """The beginning."""
        world.count(self.kind)
        if self.kind == 'kill-server':
            world.kill_server()
        elif self.kind == 'stop-server':
            world.server.stop()
        elif self.kind == 'kill-client':
            for place in self.targets:
                world.kill_client(place)
        elif self.kind == 'stop-client':
            for place in self.targets:
                world.stop_client(place)
        elif self.kind == 'fill':
            world.say('hold')
        elif self.kind == 'link-down':
            world.hosts[self.targets[0]].down()
        else:
            for place in self.targets:
                world.hosts[place].impair(self.spec)

    def end(self, world):
        """The end; a killed client stays dead until the round is over."""
        if self.kind == 'kill-server':
            world.start_server()
        elif self.kind == 'stop-server':
            world.server.resume()
        elif self.kind == 'stop-client':
            for place in self.targets:
                world.clients[place].resume()
        elif self.kind == 'fill':
            world.say('free')
        elif self.spec or self.kind == 'link-down':
            for place in self.targets:
                world.hosts[place].heal()


NETWORK = ('late', 'cut', 'link-down', 'loss', 'delay', 'reorder', 'duplicate', 'corrupt')
OTHERS = ('kill-client', 'kill-server', 'stop-client', 'stop-server', 'fill')
KINDS = OTHERS + NETWORK


def deal(seed, number, kinds):
    """Round after round all of the kinds, each pass in another order."""
    passes, place = divmod(number, len(kinds))
    deck = list(kinds)
    random.Random(f'{seed}/{passes}/{kinds}').shuffle(deck)
    return deck[place]


def plan(seed, number, kinds, world):
    """The faults of a round: one of the network, one of the rest, or both."""
    draw = random.Random(f'{seed}/{number}')
    others = [kind for kind in kinds if kind in OTHERS]
    network = [kind for kind in kinds if kind in NETWORK]
    what = draw.choice(['others', 'network', 'both'])
    chosen = []
    if others and (what != 'network' or not network):
        chosen.append(deal(seed, number, others))
    if network and (what != 'others' or not others):
        chosen.append(deal(seed, number, network))
    return [Fault(kind, draw, world) for kind in chosen]
