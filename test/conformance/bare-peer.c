/*
 * A peer that uses `reliable` alone: packets numbered, acknowledged, and cut into fragments, with nothing around them. Written from
 * docs/wire.md ("A packet", "Bare") for POSIX, by hand, so that it shares nothing with what it is tested against.
 *
 *   bare-peer --port N --peer PORT [--count N] [--size BYTES] [--large-every N] [--large-size BYTES] [--every-us N]
 *             [--first SEQUENCE] [--fragment BYTES] [--quiet-ms N] [--limit-ms N] [--echo]
 *   bare-peer --headers    lines "sequence ack bits" on stdin: the header's bytes, and what is read back from them
 *
 * Bound to 127.0.0.1:port (0: any). With `--peer 0` it sends to whoever spoke to it last, and nothing before. The first line on stdout is
 * {"port":N}; the last one, when all was sent and nothing has come for quiet-ms (or after limit-ms, or at SIGTERM), is what was counted.
 * The i-th packet has the bytes i, i >> 8, i >> 16, i >> 24, and from there on (i + 31 * offset); one that has others is "strange".
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  MAX_FRAGMENTS = 256,
  MAX_FRAGMENT_BYTES = 1400,
  MAX_BODY = MAX_FRAGMENTS * MAX_FRAGMENT_BYTES,
  MAX_HEADER = 9,
  FRAGMENT_HEADER = 5,
  MAX_DATAGRAM = 65535,
  WINDOW = 32,
  PARTIALS = 8,
  ACK_EVERY = 8,
  ACK_DELAY_US = 5000
};

struct options {
  int port, peer;
  long count, size, large_every, large_size, every_us, first, fragment, quiet_ms, limit_ms;
  bool echo;
};

struct counters {
  long sent, acked, received, fragments, fragmented, echoed, duplicates, stale, malformed, strange;
};

struct header {
  uint16_t sequence, ack;
  uint32_t bits;
};

/* A packet of which some fragments are there. */
struct partial {
  bool used;
  uint16_t sequence;
  int count, missing;
  bool has[MAX_FRAGMENTS];
  struct header header;
  size_t last_bytes;
  uint64_t begun_us;
  uint8_t body[MAX_BODY];
};

static struct options opt = {.size = 100, .large_size = 5000, .every_us = 1000, .fragment = 1024, .quiet_ms = 500, .limit_ms = 20000};
static struct counters n;
static int fd;
static struct sockaddr_in peer;
static bool has_peer;
static volatile sig_atomic_t ended;

/* What we send. */
static uint16_t next_sequence;
static bool in_flight[65536];

/* What came. */
static bool has_newest;
static uint16_t newest;
static uint32_t taken; /* bit k: newest - k was taken */
static struct partial partials[PARTIALS];
static int unacknowledged;
static uint64_t ack_due_us;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

/* ---- bytes ------------------------------------------------------------------------------------------ */

static size_t put16(uint8_t *to, uint16_t value) {
  to[0] = (uint8_t)(value & 0xff);
  to[1] = (uint8_t)(value >> 8);
  return 2;
}

static uint16_t get16(const uint8_t *from) {
  return (uint16_t)(from[0] | from[1] << 8);
}

static size_t write_header(uint8_t *to, const struct header *h) {
  uint16_t distance = (uint16_t)(h->sequence - h->ack);
  size_t at = 1;
  uint8_t prefix = 0;
  at += put16(to + at, h->sequence);
  if (distance <= 255) {
    prefix |= 1 << 5;
    to[at++] = (uint8_t)distance;
  } else {
    at += put16(to + at, h->ack);
  }
  for (int i = 0; i < 4; i++) {
    uint8_t byte = (uint8_t)(h->bits >> (8 * i));
    if (byte == 0xff) continue;
    prefix |= (uint8_t)(1 << (1 + i));
    to[at++] = byte;
  }
  to[0] = prefix;
  return at;
}

/* The header's length, or 0: there is none. */
static size_t read_header(const uint8_t *from, size_t length, struct header *h) {
  if (length < 4) return 0;
  uint8_t prefix = from[0];
  if (prefix & 0xc1) return 0;
  size_t at = 3;
  h->sequence = get16(from + 1);
  if (prefix & 1 << 5) {
    h->ack = (uint16_t)(h->sequence - from[at++]);
  } else {
    if (length < 5) return 0;
    h->ack = get16(from + at);
    at += 2;
  }
  h->bits = 0;
  for (int i = 0; i < 4; i++) {
    uint32_t byte = 0xff;
    if (prefix & 1 << (1 + i)) {
      if (at >= length) return 0;
      byte = from[at++];
    }
    h->bits |= byte << (8 * i);
  }
  return at;
}

static bool is_newer(uint16_t a, uint16_t b) {
  return (a > b && a - b <= 32768) || (a < b && b - a > 32768);
}

/* ---- sending ---------------------------------------------------------------------------------------- */

static void send_datagram(const uint8_t *bytes, size_t length) {
  /* What the kernel does not take is lost, like anything else. */
  while (sendto(fd, bytes, length, 0, (struct sockaddr *)&peer, sizeof peer) < 0 && errno == EINTR) {
  }
}

static void send_fragments(const struct header *h, const uint8_t *body, size_t length) {
  uint8_t datagram[FRAGMENT_HEADER + MAX_HEADER + MAX_FRAGMENT_BYTES];
  size_t size = (size_t)opt.fragment;
  size_t count = (length + size - 1) / size;
  for (size_t i = 0; i < count; i++) {
    size_t bytes = i + 1 < count ? size : length - i * size;
    size_t at = 0;
    datagram[at++] = 1;
    at += put16(datagram + at, h->sequence);
    datagram[at++] = (uint8_t)i;
    datagram[at++] = (uint8_t)(count - 1);
    if (i == 0) at += write_header(datagram + at, h);
    memcpy(datagram + at, body + i * size, bytes);
    send_datagram(datagram, at + bytes);
  }
}

static void send_packet(const uint8_t *body, size_t length) {
  struct header h = {.sequence = next_sequence++, .ack = has_newest ? newest : 65535, .bits = taken};
  in_flight[h.sequence] = length > 0;
  unacknowledged = 0;
  ack_due_us = 0;
  if (length > (size_t)opt.fragment) {
    send_fragments(&h, body, length);
  } else {
    uint8_t datagram[MAX_HEADER + MAX_FRAGMENT_BYTES];
    size_t at = write_header(datagram, &h);
    if (length > 0) memcpy(datagram + at, body, length);
    send_datagram(datagram, at + length);
  }
  if (length > 0) n.sent++;
}

static uint8_t byte_of(uint32_t index, size_t at) {
  return at < 4 ? (uint8_t)(index >> (8 * at)) : (uint8_t)(index + 31 * at);
}

static void send_numbered(long index) {
  static uint8_t body[MAX_BODY];
  bool is_large = opt.large_every > 0 && index % opt.large_every == opt.large_every - 1;
  size_t length = (size_t)(is_large ? opt.large_size : opt.size);
  for (size_t i = 0; i < length; i++) body[i] = byte_of((uint32_t)index, i);
  send_packet(body, length);
}

/* ---- receiving -------------------------------------------------------------------------------------- */

/* Counts what may not be taken. */
static bool may_take(uint16_t sequence) {
  if (!has_newest || is_newer(sequence, newest)) return true;
  uint16_t below = (uint16_t)(newest - sequence);
  if (below >= WINDOW) {
    n.stale++;
    return false;
  }
  if (taken >> below & 1) {
    n.duplicates++;
    return false;
  }
  return true;
}

static void mark_taken(uint16_t sequence) {
  if (!has_newest || is_newer(sequence, newest)) {
    uint16_t step = (uint16_t)(sequence - newest);
    taken = !has_newest || step >= WINDOW ? 1 : taken << step | 1;
    newest = sequence;
    has_newest = true;
  } else {
    taken |= 1u << (uint16_t)(newest - sequence);
  }
}

static void process_acks(const struct header *h) {
  for (int k = 0; k < WINDOW; k++) {
    uint16_t sequence = (uint16_t)(h->ack - k);
    if (!(h->bits >> k & 1) || !in_flight[sequence]) continue;
    in_flight[sequence] = false;
    n.acked++;
  }
}

static void look_at(const uint8_t *body, size_t length) {
  uint32_t index = 0;
  for (size_t i = 0; i < 4 && i < length; i++) index |= (uint32_t)body[i] << (8 * i);
  for (size_t i = 0; i < length; i++) {
    if (body[i] == byte_of(index, i)) continue;
    n.strange++;
    return;
  }
}

static void on_packet(const struct header *h, const uint8_t *body, size_t length) {
  if (!may_take(h->sequence)) return;
  mark_taken(h->sequence);
  process_acks(h);
  if (length == 0) return;
  n.received++;
  look_at(body, length);
  unacknowledged++;
  if (ack_due_us == 0) ack_due_us = now_us() + ACK_DELAY_US;
  if (opt.echo) {
    n.echoed++;
    send_packet(body, length);
  } else if (unacknowledged >= ACK_EVERY) {
    send_packet(NULL, 0);
  }
}

/* That of the sequence, else a free one, else the oldest. */
static struct partial *partial_of(uint16_t sequence, int count) {
  struct partial *best = &partials[0];
  for (int i = 0; i < PARTIALS; i++) {
    struct partial *p = &partials[i];
    if (p->used && p->sequence == sequence) return p;
    if (best->used && (!p->used || p->begun_us < best->begun_us)) best = p;
  }
  best->used = true;
  best->sequence = sequence;
  best->count = count;
  best->missing = count;
  best->begun_us = now_us();
  memset(best->has, 0, sizeof best->has);
  return best;
}

static void on_fragment(const uint8_t *bytes, size_t length) {
  size_t size = (size_t)opt.fragment;
  size_t at = FRAGMENT_HEADER;
  struct header h = {0};
  if (length < FRAGMENT_HEADER || bytes[0] != 1 || bytes[3] > bytes[4]) {
    n.malformed++;
    return;
  }
  uint16_t sequence = get16(bytes + 1);
  int index = bytes[3], count = bytes[4] + 1;
  if (index == 0) {
    size_t header_bytes = read_header(bytes + at, length - at, &h);
    if (header_bytes == 0 || h.sequence != sequence) {
      n.malformed++;
      return;
    }
    at += header_bytes;
  }
  size_t rest = length - at;
  bool is_last = index == count - 1;
  if (rest > size || rest < (is_last ? 1 : size)) {
    n.malformed++;
    return;
  }
  n.fragments++;
  if (!may_take(sequence)) return;
  struct partial *p = partial_of(sequence, count);
  if (p->count != count) {
    n.malformed++;
    return;
  }
  if (p->has[index]) {
    n.duplicates++;
    return;
  }
  p->has[index] = true;
  if (index == 0) p->header = h;
  if (is_last) p->last_bytes = rest;
  memcpy(p->body + (size_t)index * size, bytes + at, rest);
  if (--p->missing > 0) return;
  p->used = false;
  n.fragmented++;
  on_packet(&p->header, p->body, (size_t)(count - 1) * size + p->last_bytes);
}

/* True: there was one. */
static bool receive(void) {
  static uint8_t bytes[MAX_DATAGRAM];
  struct sockaddr_in from;
  socklen_t from_length = sizeof from;
  ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &from_length);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return false;
    if (errno == ECONNREFUSED) return true;
    die("recvfrom");
  }
  if (opt.peer == 0) {
    peer = from;
    has_peer = true;
  } else if (from.sin_port != peer.sin_port || from.sin_addr.s_addr != peer.sin_addr.s_addr) {
    return true;
  }
  if (got > 0 && bytes[0] & 1) {
    on_fragment(bytes, (size_t)got);
    return true;
  }
  struct header h;
  size_t header_bytes = read_header(bytes, (size_t)got, &h);
  if (header_bytes == 0)
    n.malformed++;
  else
    on_packet(&h, bytes + header_bytes, (size_t)got - header_bytes);
  return true;
}

/* ---- the program ------------------------------------------------------------------------------------ */

static long number(const char *name, const char *text, long least, long most) {
  char *end;
  errno = 0;
  long value = text ? strtol(text, &end, 10) : 0;
  if (!text || errno || end == text || *end || value < least || value > most) {
    fprintf(stderr, "bare-peer: %s wants a number from %ld to %ld\n", name, least, most);
    exit(2);
  }
  return value;
}

static void parse(int argc, char **argv) {
  const struct {
    const char *name;
    long *to;
    long least, most;
  } numbers[] = {
      {"--count", &opt.count, 0, 100000000},     {"--size", &opt.size, 1, MAX_BODY},
      {"--large-every", &opt.large_every, 0, 1000000}, {"--large-size", &opt.large_size, 1, MAX_BODY},
      {"--every-us", &opt.every_us, 0, 10000000}, {"--first", &opt.first, 0, 65535},
      {"--fragment", &opt.fragment, 1, MAX_FRAGMENT_BYTES}, {"--quiet-ms", &opt.quiet_ms, 0, 600000},
      {"--limit-ms", &opt.limit_ms, 1, 600000},
  };
  bool has_port = false, has_to = false;
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i];
    bool known = false;
    if (strcmp(name, "--echo") == 0) {
      opt.echo = true;
      continue;
    }
    const char *value = ++i < argc ? argv[i] : NULL;
    if (strcmp(name, "--port") == 0) {
      opt.port = (int)number(name, value, 0, 65535);
      has_port = known = true;
    } else if (strcmp(name, "--peer") == 0) {
      opt.peer = (int)number(name, value, 0, 65535);
      has_to = known = true;
    }
    for (size_t k = 0; !known && k < sizeof numbers / sizeof numbers[0]; k++) {
      if (strcmp(name, numbers[k].name) != 0) continue;
      *numbers[k].to = number(name, value, numbers[k].least, numbers[k].most);
      known = true;
    }
    if (!known) {
      fprintf(stderr, "bare-peer: what is %s?\n", name);
      exit(2);
    }
  }
  long most = opt.fragment * MAX_FRAGMENTS;
  if (!has_port || !has_to || opt.size > most || (opt.large_every > 0 && opt.large_size > most)) {
    fprintf(stderr, "bare-peer: wants --port and --peer, and sizes that 256 fragments hold\n");
    exit(2);
  }
}

static void open_socket(void) {
  int bytes = 4 << 20;
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
  socklen_t length = sizeof own;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  peer = own;
  peer.sin_port = htons((uint16_t)opt.peer);
  has_peer = opt.peer != 0;
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) die("bind");
  if (getsockname(fd, (struct sockaddr *)&own, &length) < 0) die("getsockname");
  printf("{\"port\":%d}\n", ntohs(own.sin_port));
  fflush(stdout);
}

static void on_signal(int signal) {
  (void)signal;
  ended = 1;
}

static void run(void) {
  uint64_t started = now_us(), heard = started, next_at = started;
  long index = 0;
  while (!ended) {
    uint64_t now = now_us();
    if (now - started > (uint64_t)opt.limit_ms * 1000) break;
    bool is_done = index == opt.count;
    if (is_done && has_peer && now - heard > (uint64_t)opt.quiet_ms * 1000) break;
    if (has_peer && !is_done && now >= next_at) {
      send_numbered(index++);
      next_at = now + (uint64_t)opt.every_us;
      heard = now;
    }
    if (has_peer && ack_due_us != 0 && now >= ack_due_us) send_packet(NULL, 0);
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int wait_ms = has_peer && index < opt.count && opt.every_us < 1000 ? 0 : 1;
    if (poll(&poll_fd, 1, wait_ms) > 0 && receive()) heard = now_us();
  }
}

static int print_headers(void) {
  unsigned sequence, ack, bits;
  while (scanf("%u %u %u", &sequence, &ack, &bits) == 3) {
    struct header h = {.sequence = (uint16_t)sequence, .ack = (uint16_t)ack, .bits = bits}, back = {0};
    uint8_t bytes[MAX_HEADER];
    size_t length = write_header(bytes, &h);
    for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
    for (size_t cut = 0; cut < length; cut++)
      if (read_header(bytes, cut, &back) != 0) printf(" taken at %zu", cut);
    bool is_whole = read_header(bytes, length, &back) == length;
    printf(" %u %u %u%s\n", (unsigned)back.sequence, (unsigned)back.ack, (unsigned)back.bits, is_whole ? "" : " refused");
  }
  return 0;
}

int main(int argc, char **argv) {
  struct sigaction action = {.sa_handler = on_signal};
  if (argc == 2 && strcmp(argv[1], "--headers") == 0) return print_headers();
  parse(argc, argv);
  next_sequence = (uint16_t)opt.first;
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  open_socket();
  run();
  printf("{\"sent\":%ld,\"received\":%ld,\"acked\":%ld,\"duplicates\":%ld,\"malformed\":%ld,", n.sent, n.received, n.acked,
         n.duplicates, n.malformed);
  printf("\"stale\":%ld,\"fragments\":%ld,\"fragmented\":%ld,\"echoed\":%ld,\"strange\":%ld}\n", n.stale, n.fragments, n.fragmented,
         n.echoed, n.strange);
  return 0;
}
