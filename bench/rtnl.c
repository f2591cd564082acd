/*
 * What the kernel needs at least: the labs of labs.mjs by rtnetlink, in one program without a thought about anything else.
 *
 *   rtnl build RECORDS FIREWALL   makes what the records say; rules by iptables-restore
 *   rtnl read RECORDS             dumps links, addresses, routes, rules and ip_forward of every namespace, and counts
 *   rtnl change RECORDS           adds 10.99.0.1/32 to lo of the first namespace
 *   rtnl destroy RECORDS          takes the names away
 *   rtnl drain                    returns when the kernel has taken down every namespace that was deleted before
 *   rtnl run COMMAND...           runs it, and prints its wall time in ms and its largest resident size in KiB on fd 3
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAMES "/run/netns/"
#define AT_ONCE 64 /* messages in one send */
#define SKIP_STATS (1 << 3)

enum { MOST = 8192 };
static struct { char name[32]; int forward, fd, socket; } spaces[MOST];
static int count, home;

static void fail(const char *what) {
  fprintf(stderr, "rtnl: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* Messages that go out together. */
static struct { char bytes[1 << 17]; unsigned length, messages; struct nlmsghdr *last; } out;

static void begin(int type, int flags, const void *header, unsigned size) {
  out.last = (struct nlmsghdr *)(out.bytes + out.length);
  *out.last = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags,
                                 .nlmsg_seq = ++out.messages };
  memcpy(NLMSG_DATA(out.last), header, size);
  out.length += NLMSG_SPACE(size);
}

static struct rtattr *attribute(int type, const void *value, unsigned size) {
  struct rtattr *one = (struct rtattr *)(out.bytes + out.length);
  one->rta_type = type;
  one->rta_len = RTA_LENGTH(size);
  if (size) memcpy(RTA_DATA(one), value, size);
  out.length += RTA_SPACE(size);
  out.last->nlmsg_len = out.bytes + out.length - (char *)out.last;
  return one;
}
#define nest(type) attribute(type, NULL, 0)
static void close_nest(struct rtattr *one) { one->rta_len = out.bytes + out.length - (char *)one; }

static int open_socket(int protocol) {
  int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (s < 0) fail("socket");
  return s;
}

/* Only the last message is acknowledged; the others are answered when they fail. */
static void send_all(int s) {
  if (!out.messages) return;
  out.last->nlmsg_flags |= NLM_F_ACK;
  unsigned last = out.last->nlmsg_seq;
  if (send(s, out.bytes, out.length, 0) < 0) fail("send");
  for (int answered = 0; !answered;) {
    char in[16384];
    int got = recv(s, in, sizeof in, 0);
    if (got < 0) fail("recv");
    for (struct nlmsghdr *h = (struct nlmsghdr *)in; NLMSG_OK(h, got); h = NLMSG_NEXT(h, got)) {
      if (h->nlmsg_type != NLMSG_ERROR) continue;
      struct nlmsgerr *e = NLMSG_DATA(h);
      if (e->error) { errno = -e->error; fail("netlink"); }
      answered |= h->nlmsg_seq == last;
    }
  }
  out.length = out.messages = 0;
}

static void set_up(int index) {
  struct ifinfomsg link = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
  begin(RTM_NEWLINK, 0, &link, sizeof link);
}

static void add_address(int index, const char *text, int prefix) {
  struct ifaddrmsg a = { .ifa_family = AF_INET, .ifa_prefixlen = prefix, .ifa_index = index };
  in_addr_t address = inet_addr(text);
  begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &a, sizeof a);
  attribute(IFA_LOCAL, &address, 4);
  attribute(IFA_ADDRESS, &address, 4);
}

static void add_route(const char *to, int prefix, const char *via) {
  struct rtmsg r = { .rtm_family = AF_INET, .rtm_dst_len = prefix, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT,
                     .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST };
  in_addr_t address = inet_addr(to), gateway = inet_addr(via);
  begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &r, sizeof r);
  if (prefix) attribute(RTA_DST, &address, 4);
  attribute(RTA_GATEWAY, &gateway, 4);
}

static void add_bridge(int index, const char *name) {
  struct ifinfomsg link = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
  begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
  attribute(IFLA_IFNAME, name, strlen(name) + 1);
  struct rtattr *info = nest(IFLA_LINKINFO);
  attribute(IFLA_INFO_KIND, "bridge", sizeof "bridge");
  close_nest(info);
}

/* Both ends in their namespaces at once; the near one up, and a port if `master` says so. The far one cannot be up yet. */
static void add_cable(int fd, int index, const char *name, int far_fd, int far_index, const char *far_name, int master) {
  struct ifinfomsg near = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP }, far = { .ifi_index = far_index };
  begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &near, sizeof near);
  attribute(IFLA_IFNAME, name, strlen(name) + 1);
  attribute(IFLA_NET_NS_FD, &fd, sizeof fd);
  if (master) attribute(IFLA_MASTER, &master, sizeof master);
  struct rtattr *info = nest(IFLA_LINKINFO);
  attribute(IFLA_INFO_KIND, "veth", sizeof "veth");
  struct rtattr *data = nest(IFLA_INFO_DATA), *peer = nest(VETH_INFO_PEER);
  memcpy(out.bytes + out.length, &far, sizeof far);
  out.length += NLMSG_ALIGN(sizeof far);
  attribute(IFLA_IFNAME, far_name, strlen(far_name) + 1);
  attribute(IFLA_NET_NS_FD, &far_fd, sizeof far_fd);
  close_nest(peer);
  close_nest(data);
  close_nest(info);
}

static const char *path_of(int i) {
  static char path[64];
  snprintf(path, sizeof path, NAMES "%.31s", spaces[i].name);
  return path;
}

static void make_space(int i) {
  const char *path = path_of(i);
  int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
  if (file < 0) fail(path);
  close(file);
  if (unshare(CLONE_NEWNET)) fail("unshare");
  if (mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL)) fail("mount");
  if (spaces[i].forward) {
    file = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, "1", 1) != 1) fail("ip_forward");
    close(file);
  }
  spaces[i].socket = open_socket(NETLINK_ROUTE);
  spaces[i].fd = open(path, O_RDONLY | O_CLOEXEC);
}

static void firewall(int i, const char *rules) {
  if (setns(spaces[i].fd, CLONE_NEWNET)) fail("setns");
  pid_t child = vfork();
  if (child == 0) {
    dup2(open(rules, O_RDONLY), 0);
    execlp("iptables-restore", "iptables-restore", (char *)NULL);
    _exit(127);
  }
  int status;
  waitpid(child, &status, 0);
  if (status) fail("iptables-restore");
  setns(home, CLONE_NEWNET);
}

/* The records in their order: namespaces, bridges, cables, then what belongs to each namespace. */
static void build(FILE *records, const char *rules) {
  char line[256], kind = 0, last = 0, x[32], y[32];
  int s = open_socket(NETLINK_ROUTE), a, b, c, d, master, current = -1;
  while (fgets(line, sizeof line, records)) {
    kind = line[0];
    if (last == 'N' && kind != 'N') setns(home, CLONE_NEWNET);
    if (last == 'V' && (kind != 'V' || out.messages == AT_ONCE)) send_all(s);
    last = kind;
    if (kind == 'A' || kind == 'R' || kind == 'B') {
      sscanf(line, "%*c %d", &a);
      if (a != current) {
        if (current >= 0) send_all(spaces[current].socket);
        current = a;
        set_up(1);
        /* The far ends of cables are still down. */
        if (kind != 'B') { set_up(2); }
      }
    } else if (current >= 0) { send_all(spaces[current].socket); current = -1; }
    if (kind == 'N') {
      sscanf(line, "N %d %31s %d", &a, x, &b);
      strcpy(spaces[a].name, x);
      spaces[a].forward = b;
      count = a + 1;
      make_space(a);
    } else if (kind == 'B') { sscanf(line, "B %d %d %31s", &a, &b, x); add_bridge(b, x); }
    else if (kind == 'V') {
      sscanf(line, "V %d %d %31s %d %d %31s %d", &a, &b, x, &c, &d, y, &master);
      add_cable(spaces[a].fd, b, x, spaces[c].fd, d, y, master);
    } else if (kind == 'A') { sscanf(line, "A %d %d %31s %d", &a, &b, x, &c); add_address(b, x, c); }
    else if (kind == 'R') { sscanf(line, "R %d %31s %d %31s", &a, x, &b, y); add_route(x, b, y); }
    else if (kind == 'F') { sscanf(line, "F %d", &a); firewall(a, rules); }
  }
  if (current >= 0) send_all(spaces[current].socket);
}

static long total, seen;
static int dump(int s, int type, const void *header, unsigned size, int lean) {
  static char in[1 << 16];
  int found = 0;
  unsigned mask = SKIP_STATS;
  begin(type, NLM_F_DUMP, header, size);
  if (lean) attribute(IFLA_EXT_MASK, &mask, sizeof mask);
  if (send(s, out.bytes, out.length, 0) < 0) fail("send");
  out.length = out.messages = 0;
  for (;;) {
    int got = recv(s, in, sizeof in, 0);
    if (got < 0) fail("recv");
    for (struct nlmsghdr *h = (struct nlmsghdr *)in; NLMSG_OK(h, got); h = NLMSG_NEXT(h, got)) {
      if (h->nlmsg_type == NLMSG_DONE) return found;
      if (h->nlmsg_type == NLMSG_ERROR) { errno = -((struct nlmsgerr *)NLMSG_DATA(h))->error; fail("dump"); }
      found++;
      int left = h->nlmsg_len - NLMSG_SPACE(size);
      for (struct rtattr *one = (struct rtattr *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(size)); RTA_OK(one, left);
           one = RTA_NEXT(one, left)) seen += one->rta_len;
    }
  }
}

static void read_all(void) {
  struct ifinfomsg links = { 0 };
  struct ifaddrmsg addresses = { 0 };
  struct rtmsg routes = { 0 };
  struct nfgenmsg tables = { 0 };
  const int parts[] = { NFT_MSG_GETCHAIN, NFT_MSG_GETRULE, NFT_MSG_GETSET };
  for (int i = 0; i < count; i++) {
    int fd = open(path_of(i), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET)) fail(spaces[i].name);
    int s = open_socket(NETLINK_ROUTE);
    total += dump(s, RTM_GETLINK, &links, sizeof links, 1) + dump(s, RTM_GETADDR, &addresses, sizeof addresses, 0) +
             dump(s, RTM_GETROUTE, &routes, sizeof routes, 0);
    close(s);
    s = open_socket(NETLINK_NETFILTER);
    if (dump(s, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, &tables, sizeof tables, 0))
      for (int p = 0; p < 3; p++) total += dump(s, NFNL_SUBSYS_NFTABLES << 8 | parts[p], &tables, sizeof tables, 0);
    close(s);
    char value;
    int file = open("/proc/sys/net/ipv4/ip_forward", O_RDONLY | O_CLOEXEC);
    if (read(file, &value, 1) == 1) total += value == '1';
    close(file);
    close(fd);
  }
  printf("%ld objects, %ld bytes of attributes\n", total, seen);
}

static void load_names(FILE *records) {
  char line[256];
  while (fgets(line, sizeof line, records) && sscanf(line, "N %*d %31s %d", spaces[count].name, &spaces[count].forward) == 2) count++;
}

static void destroy(void) {
  for (int i = 0; i < count; i++) {
    umount2(path_of(i), MNT_DETACH);
    if (unlink(path_of(i))) fail(spaces[i].name);
  }
}

static void change(void) {
  int fd = open(path_of(0), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET)) fail(spaces[0].name);
  add_address(1, "10.99.0.1", 32);
  send_all(open_socket(NETLINK_ROUTE));
}

/*
 * The kernel takes namespaces down in batches, one after the other: a cable into the newest one goes when all before have
 * gone. Twice, for the first may be of the same batch as what it is to wait for, and cables go early in a batch.
 */
static void drain(void) {
  for (int times = 0; times < 2; times++) {
    strcpy(spaces[0].name, "drain");
    make_space(0);
    setns(home, CLONE_NEWNET);
    add_cable(home, 0, "drain", spaces[0].fd, 0, "drained", 0);
    send_all(open_socket(NETLINK_ROUTE));
    close(spaces[0].socket);
    close(spaces[0].fd);
    count = 1;
    destroy();
    while (if_nametoindex("drain")) usleep(300);
  }
}

static int run(char **argv) {
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  pid_t child = fork();
  if (child == 0) {
    close(3);
    execvp(argv[0], argv);
    _exit(127);
  }
  int status;
  waitpid(child, &status, 0);
  clock_gettime(CLOCK_MONOTONIC, &end);
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  dprintf(3, "%.3f %ld\n", (end.tv_sec - start.tv_sec) * 1e3 + (end.tv_nsec - start.tv_nsec) / 1e6, used.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv) {
  if (argc > 2 && !strcmp(argv[1], "run")) return run(argv + 2);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  mkdir(NAMES, 0755);
  if (argc == 2 && !strcmp(argv[1], "drain")) return drain(), 0;
  FILE *records = argc > 2 ? fopen(argv[2], "r") : NULL;
  if (!records) return fprintf(stderr, "see the top of rtnl.c\n"), 2;
  if (!strcmp(argv[1], "build") && argc > 3) return build(records, argv[3]), 0;
  load_names(records);
  if (!strcmp(argv[1], "read")) read_all();
  else if (!strcmp(argv[1], "change")) change();
  else if (!strcmp(argv[1], "destroy")) destroy();
  return 0;
}
