import { Readable } from 'node:stream';
import { spec, type TestEvent } from 'node:test/reporters';

/**
 * Node's own report, with one thing more: before the totals, which stay the last lines, every skipped test
 * with its reason. A skip without a reason, or one that nobody sees, is how a suite goes blind.
 */
async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  yield* Readable.from(withSkips(source)).compose(new spec());
}

async function* withSkips(source: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  const skips: string[] = skipsBefore();
  let listed = false;
  for await (const event of source) {
    const skip = skipOf(event);
    if (skip !== undefined) skips.push(skip);
    if (!listed && isFirstTotal(event)) {
      listed = true;
      yield* [
        skips.length === 0 ? 'no test was skipped' : `${skips.length} skipped:`,
        ...skips.map((text) => `  ${text}`),
      ].map((message) => said(event, message));
    }
    yield event;
  }
}

/** What the caller left out before node was started, one a line. */
function skipsBefore(): string[] {
  return (process.env['TEST_SKIPS'] ?? '').split('\n').filter((line) => line !== '');
}

function skipOf(event: TestEvent): string | undefined {
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return undefined;
  const { skip, name } = event.data;
  if (skip === undefined || skip === false) return undefined;
  return `${name}: ${typeof skip === 'string' && skip !== '' ? skip : 'without a reason'}`;
}

function isFirstTotal(event: TestEvent): boolean {
  return (
    event.type === 'test:diagnostic' && event.data.nesting === 0 && /^tests \d+$/u.test(event.data.message)
  );
}

function said(like: TestEvent, message: string): TestEvent {
  return { ...like, data: { ...like.data, message } } as TestEvent;
}

// oxlint-disable-next-line import/no-default-export -- node takes a reporter's default export
export default report;
