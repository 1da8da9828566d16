import { securitySuites } from '../net/gudp-security.suite.ts'
import { toVitest } from '../support/to-vitest.ts'

toVitest(securitySuites, [])
