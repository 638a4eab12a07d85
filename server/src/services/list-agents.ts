/** An agent as the operator has it on this host. */
export type AgentDescription = {
  readonly name: string;
  /** Where its program is, or was looked for. */
  readonly binaryPath: string;
  /** Empty: the program's own. */
  readonly defaultModel: string;
  readonly available: boolean;
  readonly isDefault: boolean;
};

/** Looks for the programs of all agents. */
export type DescribeAgents = () => Promise<readonly AgentDescription[]>;

/** Programs are looked for on the disk: one look serves everybody who asks within so long. */
const sharedForMs = 1_000;

/** The agents in the order of their description, and at most one look a second however often it is asked. */
export function createListAgentsService(deps: { readonly describeAgents: DescribeAgents }) {
  let last: { readonly look: Promise<readonly AgentDescription[]>; readonly at: number } | undefined;

  return async (): Promise<readonly AgentDescription[]> => {
    if (last === undefined || performance.now() - last.at >= sharedForMs) {
      last = { look: deps.describeAgents(), at: performance.now() };
    }
    try {
      return await last.look;
    } catch (error) {
      last = undefined;
      throw error;
    }
  };
}
