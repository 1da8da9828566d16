import { toVitest } from '../support/to-vitest.ts'
import { collectorSuites } from './collector.suite.ts'

toVitest(collectorSuites, [])
