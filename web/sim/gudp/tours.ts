// The guided tours of gudp. What they say is run and looked at by test/unit/sim-gudp-tours.test.ts: a number that is changed here fails there.

export interface TourStep {
  readonly text: string
  readonly query: string
  /** Virtual ms to run to. */
  readonly untilMs?: number
}

export interface Tour {
  readonly id: string
  readonly title: string
  readonly steps: readonly TourStep[]
}

const STEADY = 'congestion=none&messages=20&latency=100&jitter=0&loss=0'
const ONE_LOST = 'change=995:loss=100,0&change=1005:loss=0'
const ANOTHER_LOST = 'change=2030:loss=100,0&change=2040:loss=0'
const blocked = `${STEADY}&${ONE_LOST}&${ANOTHER_LOST}`

const headOfLine: Tour = {
  id: 'hol',
  title: 'Head-of-line blocking',
  steps: [
    {
      query: blocked,
      untilMs: 900,
      text:
        'Three channels send from left to right, a message every 50 ms each: two are reliable, one is not. The way takes 100 ms and nothing is ' +
        'lost, so every message comes 100 ms after it was sent.',
    },
    {
      query: blocked,
      untilMs: 1010,
      text:
        'For ten milliseconds the link loses all that the left side sends. It hits one packet: the one with message 20 of the first reliable ' +
        'channel. Nobody knows yet. A network does not say what it has lost; it must be found out.',
    },
    {
      query: blocked,
      untilMs: 1260,
      text:
        'Messages 21, 22 and 23 of that channel have arrived, but they are held back: a reliable channel hands out messages in their ' +
        'order, and 20 is missing. They wait behind it. This is head-of-line blocking. The second reliable channel has a stream of its own: it goes ' +
        'on, and so does the unreliable one. Their messages still take 100 ms.',
    },
    {
      query: blocked,
      untilMs: 1275,
      text:
        'The left side has seen acknowledgements of packets that it sent more than a quarter of a round trip after the lost one. So that one will not ' +
        'come any more: it is given up, and message 20 goes once more, in a new packet with a new sequence number (with a circle around it in the picture).',
    },
    {
      query: blocked,
      untilMs: 1380,
      text:
        'Message 20 is there, after 372 ms, and with it come at once the five that had waited behind it. No other channel has had a message that ' +
        'took longer than 100 ms. Had all three shared one stream, as they would over TCP, all three would have stood still.',
    },
    {
      query: blocked,
      untilMs: 2400,
      text:
        'Now the same happens to the unreliable channel: its message 40 is lost. Nothing waits for it, and it is not sent again: 41 to 45 have been ' +
        'handed out on time, and 40 never will be. Reliable is for what must come; unreliable for what is old before it could come again.',
    },
  ],
}

const SLOW = 'change=8000:latency=200&change=12000:latency=40'
const SLOW_AGAIN = 'change=25000:latency=200&change=27000:latency=40'
const swinging = `congestion=good-bad&messages=20&latency=40&jitter=0&loss=0&${SLOW}&${SLOW_AGAIN}`

const goodAndBad: Tour = {
  id: 'bad-mode',
  title: 'Congestion: falling to bad mode',
  steps: [
    {
      query: swinging,
      untilMs: 3000,
      text:
        'The strategy good-bad knows two rates: 30 packets a second in good mode, 10 in bad mode. What decides is the round trip: up to 250 ms is good. ' +
        'A connection begins in bad mode, for nobody knows yet what the link can carry. Here the round trip is 85 ms: 40 there, 40 back, and 5 until the ' +
        'acknowledgement goes. Sixty messages a second still fit into ten packets: each takes along what has gathered.',
    },
    {
      query: swinging,
      untilMs: 5000,
      text: 'The round trip has been good for 4 seconds, which is the first penalty. So at about 4.1 s the mode became good, and 30 packets a second may go.',
    },
    {
      query: swinging,
      untilMs: 8500,
      text:
        'At 8 s the link became slow: 200 ms each way. The mode is still good. The round trip that counts is smoothed: each acknowledgement moves it a tenth of ' +
        'the way to what was just measured, so that one late packet does no harm.',
    },
    {
      query: swinging,
      untilMs: 9000,
      text:
        'At about 8.6 s it was above 250 ms: bad mode, 10 packets a second, so that a queue somewhere on the way can become shorter. Good mode had lasted less ' +
        'than ten seconds, and for that the penalty doubles, to 8 seconds. (Five packets were given up before their acknowledgement came, and none was lost: ' +
        'they were only slower than any before. Their acknowledgements are counted as late.)',
    },
    {
      query: swinging,
      untilMs: 20_000,
      text:
        'At 12 s the link became quick again, and before 14 s the round trip was below the limit. Still the mode is bad: it must stay good for the whole ' +
        'penalty, now 8 seconds. Otherwise a connection at the edge would swing to and fro, and disturb itself and others each time.',
    },
    {
      query: swinging,
      untilMs: 21_000,
      text: 'At about 20.6 s the penalty is over: good mode again, and 30 packets a second.',
    },
    {
      query: swinging,
      untilMs: 26_000,
      text:
        'At 25 s the link was slow once more, for two seconds only. It was enough: since about 25.6 s the mode is bad. Good mode had lasted 5 seconds, too short ' +
        'again: the penalty doubles to 16 seconds. (It never grows beyond 60, and halves with every ten seconds in good mode.)',
    },
    {
      query: swinging,
      untilMs: 43_000,
      text: 'The link has been quick for 16 seconds, and the round trip is 85 ms again, but the mode is still bad: the connection is not trusted any more.',
    },
    {
      query: swinging,
      untilMs: 45_000,
      text:
        'Good again, since about 43.5 s. Turn the latency up and down yourself, and see how long it is held down next. With the strategy none nothing would hold ' +
        'it back, and with paced the rate would follow what arrives.',
    },
  ],
}

export const gudpTours: readonly Tour[] = [headOfLine, goodAndBad]
