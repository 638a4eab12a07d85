/** What `Idempotency-Key` means wherever it is read. */
export const idempotencyText =
  'Repeats under one key are one: the same request gives the same answer, however often it is sent; another under it is a 409. 1 to 255 printable ASCII characters; kept for at least a day.';

/** The task that stands in the examples. */
export const exampleTaskId = '2dc0ed15-4068-433a-b936-923410bf3738';
