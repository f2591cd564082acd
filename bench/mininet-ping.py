"""A star of N hosts as one would write it for Mininet, and its own pingAll: mininet-ping.py N prints the seconds that pingAll took.

Every pair is pinged by a program of its own, from the shell of its host, one after the other.
"""

import sys
import time

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge

setLogLevel("critical")
net = Mininet(controller=None, switch=LinuxBridge)
switch = net.addSwitch("s1")
for i in range(int(sys.argv[1])):
    net.addLink(net.addHost(f"n{i}", ip=f"10.0.{i >> 8}.{i + 1 & 255}/16"), switch)
net.start()
time.sleep(1)  # the ports of the bridge
start = time.monotonic()
lost = net.pingAll()
took = time.monotonic() - start
net.stop()
if lost:
    sys.exit(f"{lost} % of the pings had no answer")
print(f"{took:.2f}")
