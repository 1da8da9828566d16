/** What stands before the JSON of the result on its line. */
export const RESULT_MARK = 'SPILLWAY-RESULT '
