import { bundleForNode } from './bundle.mjs'

/** Before any project's tests. */
export default async function setup(): Promise<void> {
  await bundleForNode()
}
