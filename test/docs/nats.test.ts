import { expect, it } from 'vitest'
import { describeWith } from '../net/programs/program.ts'
import { examplesIn, pageOf, runExample } from '../support/docs-example.ts'
import { NatsServer } from '../support/nats-server.ts'

describeWith(['nats-server'], 'docs/nats.md', () => {
  it('has examples that run as they stand: what the first stores the second reads', async () => {
    const server = await NatsServer.start()
    const outputs: string[] = []
    for (const example of examplesIn(pageOf('docs/nats.md')))
      outputs.push(
        (await runExample(example, { libraries: ['@nats-io'], env: { NATS_URL: server.url } })).stdout,
      )
    // The metadata line comes first.
    expect(outputs[0]).toBe('{ handed: 1001, failed: 0, dropped: 0, stored: 1001 }\n')
    expect(outputs[1]).toBe('1000 logins\n')
  })
})
