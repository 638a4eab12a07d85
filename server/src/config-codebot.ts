import { wholeNumber, type Setting } from './config-setting.ts';

export type CodebotConfig = {
  /** So many tasks may wait; one more that is submitted through Codebot is refused. */
  readonly maxQueueSize: number;
  /** So long after its end a task that was submitted there is shown there. */
  readonly retentionSeconds: number;
};

/** The settings about Codebot's API, under the names that its users know. */
export const codebotSettings: readonly Setting[] = [
  {
    name: 'CODEBOT_MAX_QUEUE_SIZE',
    section: 'Limits',
    fallback: '100',
    about: "How many tasks may wait for a worker before Codebot's API takes no more of them.",
    check: wholeNumber(1, 1_000_000),
  },
  {
    name: 'CODEBOT_TASK_RETENTION',
    section: 'Limits',
    fallback: '86400',
    about:
      "So many seconds after its end a task that came in through Codebot's API is gone from that API; the others go on showing it.",
    check: wholeNumber(1, 3_153_600_000),
  },
];

type Reader = { readonly number: (name: string) => number };

export function codebotSection({ number }: Reader): CodebotConfig {
  return {
    maxQueueSize: number('CODEBOT_MAX_QUEUE_SIZE'),
    retentionSeconds: number('CODEBOT_TASK_RETENTION'),
  };
}
