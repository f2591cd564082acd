"""The labs of labs.mjs as one would write them for Mininet, which takes them away when its process ends.

mininet-lab.py chain|star N: prints the milliseconds that building and taking away took. Mininet's switch is a bridge on
the machine; it has no firewall here.
"""

import sys
import time

start = time.monotonic()

from mininet.log import setLogLevel  # noqa: E402
from mininet.net import Mininet  # noqa: E402
from mininet.node import Node  # noqa: E402
from mininet.nodelib import LinuxBridge  # noqa: E402


def dotted(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


class Router(Node):
    def config(self, **params):
        super().config(**params)
        self.cmd("sysctl -qw net.ipv4.ip_forward=1")


def chain(net, size):
    address = lambda n: dotted(0x0A000000 + n)
    nodes = [net.addHost(f"n{i}", cls=Router, ip=None) for i in range(size)]
    for i, (one, other) in enumerate(zip(nodes, nodes[1:])):
        net.addLink(
            one,
            other,
            intfName1="eth1",
            intfName2="eth0",
            params1={"ip": address(4 * i + 1) + "/30"},
            params2={"ip": address(4 * i + 2) + "/30"},
        )
    net.start()
    for i, node in enumerate(nodes):
        if i + 1 < size:
            node.cmd("ip route add default via " + address(4 * i + 2))
        if i:
            node.cmd("ip route add 10.0.0.1/32 via " + address(4 * (i - 1) + 1))


def star(net, size):
    switch = net.addSwitch("s1")
    for i in range(size):
        ip = dotted(0x0A800000 + i + 2) + "/16"
        net.addLink(net.addHost(f"n{i}", ip=ip, defaultRoute="via 10.128.0.1"), switch)
    net.start()


setLogLevel("critical")
net = Mininet(controller=None, switch=LinuxBridge)
{"chain": chain, "star": star}[sys.argv[1]](net, int(sys.argv[2]))
built = time.monotonic()
net.stop()
print(f"{(built - start) * 1000:.1f} {(time.monotonic() - built) * 1000:.1f}")
