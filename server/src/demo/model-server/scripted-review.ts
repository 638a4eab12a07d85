/** Whether the prompt is one for a review: it repeats what the work had been asked, with the marker in it. */
export function asksForVerdict(prompt = ''): boolean {
  return prompt.includes('"verdict"');
}

type ScriptedReview = { readonly file: string; readonly review: Readonly<Record<string, unknown>> };

/** A review with a finding at `file:line`, or that approves. */
export function scriptedReview(argument: string): ScriptedReview {
  const [, file = 'hello.txt', line = '1'] = /^(.+):(\d+)$/u.exec(argument) ?? [];
  if (argument === 'approve') {
    const summary = 'There is nothing to mend.';
    return { file, review: { verdict: 'approve', score: 9, summary, issues: [], auto_fixable: false } };
  }
  const finding = {
    severity: 'major',
    file,
    line: Number(line),
    description: 'The scripted model does not like this line.',
    suggestion: 'Write another one.',
  };
  const summary = 'One line should be another.';
  return {
    file,
    review: { verdict: 'request_changes', score: 4, summary, issues: [finding], auto_fixable: true },
  };
}
