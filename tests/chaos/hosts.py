# SPDX-License-Identifier: Apache-2.0
"""hosts.py - the lab's hosts: where processes run and what befalls packets"""

import os
import subprocess


class Host:
    """One network namespace of the lab."""

    def __init__(self, number):
        self.number = number
        self.address = os.environ[f'REMORA_LAB_ADDR_{number}']
        self.interface = os.environ[f'REMORA_LAB_IFACE_{number}']
        self.namespace = os.environ[f'REMORA_LAB_NETNS_{number}']
        self.impaired = self.is_down = False
        if not self.namespace:
            raise SystemExit('chaos: this kernel has one namespace for all hosts: '
                             'its network cannot be disturbed')

    def command(self, words):
        """What runs `words` here, as the process itself."""
        return ['ip', 'netns', 'exec', self.namespace, *words]

    def impair(self, spec):
        """netem on what the host sends, from now on."""
        self.impaired = True
        subprocess.run(['tc', '-n', self.namespace, 'qdisc', 'replace', 'dev', self.interface,
                        'root', 'netem', 'limit', '100000', *spec.split()], check=True)

    def down(self):
        """Take the interface down."""
        self.is_down = True
        self.set_link('down')

    def heal(self):
        """As it was; packets that netem holds back are lost."""
        if self.impaired:
            subprocess.run(['tc', '-n', self.namespace, 'qdisc', 'delete', 'dev',
                            self.interface, 'root'], check=True)
        if self.is_down:
            self.set_link('up')
        self.impaired = self.is_down = False

    def set_link(self, state):
        """Of the interface: up or down."""
        subprocess.run(['ip', '-n', self.namespace, 'link', 'set', self.interface, state],
                       check=True)


def lab_hosts():
    """All of them, by their number from 1 on."""
    return [Host(i + 1) for i in range(int(os.environ['REMORA_LAB_HOSTS']))]
