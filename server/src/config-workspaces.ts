import { wholeNumber, type Setting } from './config-setting.ts';

export type WorkspacesConfig = {
  /** A workspace that nobody used for so long goes. */
  readonly days: number;
  /** What all workspaces of a host may take together, in megabytes of 2^20 bytes; 0: no limit. */
  readonly totalMb: number;
  /** How full the disk may be, in per cent, before the log warns of it, and before idle workspaces go. */
  readonly diskWarningPercent: number;
  readonly diskCriticalPercent: number;
};

/** The settings about the trees that lie on a worker's disk. */
export const workspaceSettings: readonly Setting[] = [
  {
    name: 'SLIPWAY_WORKSPACE_DAYS',
    section: 'Limits',
    fallback: '7',
    about: 'A workspace that nobody used for so long is removed; its work stays as a bundle.',
    check: wholeNumber(1, 3_650),
  },
  {
    name: 'SLIPWAY_WORKSPACES_MB',
    section: 'Limits',
    fallback: '0',
    about:
      'What all workspaces of one host may take together; above it those that nobody is at work in are removed, the longest unused first. 0: no limit.',
    check: wholeNumber(0, 16_777_216),
  },
  {
    name: 'SLIPWAY_DISK_WARNING_PERCENT',
    section: 'Limits',
    fallback: '85',
    about: 'The log warns when the disk of the workspaces is fuller than this; 100: never.',
    check: wholeNumber(1, 100),
  },
  {
    name: 'SLIPWAY_DISK_CRITICAL_PERCENT',
    section: 'Limits',
    fallback: '95',
    about:
      'Workspaces that nobody is at work in are removed, the longest unused first, while the disk is fuller than this; 100: never.',
    check: wholeNumber(1, 100),
  },
];

type Reader = { readonly number: (name: string) => number };

export function workspacesSection({ number }: Reader): WorkspacesConfig {
  return {
    days: number('SLIPWAY_WORKSPACE_DAYS'),
    totalMb: number('SLIPWAY_WORKSPACES_MB'),
    diskWarningPercent: number('SLIPWAY_DISK_WARNING_PERCENT'),
    diskCriticalPercent: number('SLIPWAY_DISK_CRITICAL_PERCENT'),
  };
}

/** What is right by itself and makes no sense together. */
export function workspacesProblems(read: Reader): readonly string[] {
  const { diskWarningPercent: warning, diskCriticalPercent: critical } = workspacesSection(read);
  // 100 turns either off: without a warning there is nothing that would have to come first.
  if (warning <= critical || warning === 100) return [];
  return [
    `SLIPWAY_DISK_WARNING_PERCENT must not be above SLIPWAY_DISK_CRITICAL_PERCENT: ${warning} is more than ${critical}`,
  ];
}
