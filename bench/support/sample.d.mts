export interface SampleOptions {
  node: string
  name: string
  variant: string
  scale: number
  tries?: number
  dir?: string
}
export function takeSample(options: SampleOptions): {
  figures: Record<string, number>
  foreign: number | undefined
}
