// One variant of one case, in this process: `node bench/case.mjs <case> <variant> [scale]`. Prints its figures as JSON.
import { helpersCpuSeconds } from './support/helper.mjs'

const [name, variant, scale = '1'] = process.argv.slice(2)
const { variants } = await import(`./cases/${name}.mjs`)
if (!variants[variant])
  throw new Error(`the case '${name}' has ${Object.keys(variants).join(', ')}, but no '${variant}'`)
const figures = await variants[variant](Number(scale))
const { user, system } = process.cpuUsage()
console.log(JSON.stringify({ ...figures, cpuSeconds: (user + system) / 1e6 + helpersCpuSeconds() }))
process.exit(0)
