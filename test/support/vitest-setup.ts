import { bundleForNode } from './bundle.ts'

/** Before any project's tests. */
export default async function setup(): Promise<void> {
  await bundleForNode()
}
