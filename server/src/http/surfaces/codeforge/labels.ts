export const labelsMax = 100;
export const labelMaxCharacters = 50;

/** Why labels cannot be taken; undefined: they can. A comma would divide one in GitLab. */
export function labelsProblem(labels: readonly string[] | undefined): string | undefined {
  if (labels === undefined) return undefined;
  if (labels.length > labelsMax) return `must have at most ${labelsMax} entries`;
  return labels.every((label) => isLabel(label))
    ? undefined
    : `must be labels of 1 to ${labelMaxCharacters} characters without a comma`;
}

function isLabel(label: string): boolean {
  const text = label.trim();
  return text !== '' && text.length <= labelMaxCharacters && !/[,\p{Cc}\p{Cs}]/u.test(label);
}
