import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A stand-in for Claude Code that needs no model: a shell script that knows the documented flags and refuses
 * every other one. It keeps its conversations where the real program does, writes what it was asked into
 * `asked.txt`, and says in its result which turn of its conversation it was. Words in the prompt change what
 * it does: `SLEEP` takes two seconds, `FAIL` ends with code 1 after an answer, `BARE` prints no JSON at all,
 * `STAY` does not leave after its result, `SPY` asks the model something and prints all that it can see of its
 * world, in rot13, so that nothing knows a secret by its value. `SERVERS` prints the MCP servers that it was given,
 * in rot13 too.
 * Whoever asks it for a verdict gets a review with one finding, in the first line of the first file that the last
 * commit changed; then it writes nothing.
 * In the form that asks, it wants to run one command and writes the answer into `answer.txt`; `LEAVE` has it
 * end its turn without waiting for that, `QUICK` not ask.
 */
const script = String.raw`#!/bin/sh
set -u
args="$*" prompt='' resume='' servers='' asks=no
while [ $# -gt 0 ]; do
  case $1 in
    -p) case "${'$'}{2-}" in ''|-*) ;; *) prompt=$2; shift ;; esac ;;
    --verbose) ;;
    --strict-mcp-config) [ "$asks" = yes ] || exit 64 ;;
    --resume) resume=$2; shift ;;
    --mcp-config) servers=$2; shift ;;
    --input-format) asks=yes; shift ;;
    --output-format|--permission-mode|--model|--max-turns|--max-budget-usd|--permission-prompt-tool|--setting-sources|--add-dir) shift ;;
    *) echo "error: unknown option '$1'" >&2; exit 64 ;;
  esac
  shift
done
say() { printf '%s\n' "$1"; }
if [ "$asks" = yes ]; then
  read -r first
  say '{"type":"control_response","response":{"subtype":"success","request_id":"initialize","response":{}}}'
  read -r prompt
fi
folder="$HOME/.claude/projects/-workspace"
mkdir -p "$folder"
if [ -n "$resume" ]; then
  session=$resume
  if ! [ -f "$folder/$session.jsonl" ]; then echo "No conversation found with session ID: $session" >&2; exit 1; fi
else
  session=$(cat /proc/sys/kernel/random/uuid)
fi
echo turn >>"$folder/$session.jsonl"
turns=$(wc -l <"$folder/$session.jsonl")
case $prompt in *BARE*) echo 'just text'; exit 0 ;; esac
say '{"type":"system","subtype":"init","session_id":"'"$session"'","model":"stand-in","claude_code_version":"0.0.1"}'
case $prompt in *verdict*) ;; *) printf '%s\n' "$prompt" >>asked.txt ;; esac
case $prompt in *SLEEP*) sleep 2 ;; esac
case $prompt in *SERVERS*)
  [ -z "$servers" ] && echo 'given nothing' || printf 'given %s\n' "$(tr -d '\n' <"$servers" | tr 'A-Za-z' 'N-ZA-Mn-za-m')" ;;
esac
case $prompt in *SPY*)
  printf 'POST %s/v1/messages HTTP/1.1\r\nhost: model\r\nx-api-key: %s\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}' \
    "/${'$'}{ANTHROPIC_BASE_URL#*://*/}" "$ANTHROPIC_API_KEY" | socat -t 5 - TCP:127.0.0.1:3128 | tr '\r' ' '
  {
    env; set; cat /proc/*/environ /proc/*/cmdline /proc/*/status
    find "$HOME" . /tmp /run -xdev -type f -size -256k -exec cat {} +
  } 2>/dev/null | tr -c '[:print:]' '\n' | tr 'A-Za-z' 'N-ZA-Mn-za-m' | cut -c 1-1000 | grep . ;;
esac
if [ "$asks" = yes ]; then
  case $prompt in *QUICK*) ;; *)
    say '{"type":"control_request","request_id":"ask-'"$turns"'","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"rm -rf /tmp/x"},"tool_use_id":"t1"}}'
    case $prompt in *LEAVE*) ;; *) while read -r answer; do
      case $answer in
        *'"behavior":"allow"'*) echo allowed >>answer.txt; break ;;
        *'"behavior":"deny"'*) echo denied >>answer.txt; break ;;
        *'"subtype":"interrupt"'*)
          say '{"type":"result","subtype":"error_during_execution","is_error":true,"terminal_reason":"aborted_tools","session_id":"'"$session"'"}'
          exit 0 ;;
      esac
    done ;; esac ;;
  esac
fi
say '{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":"working"}]},"session_id":"'"$session"'"}'
cost=$(awk 'BEGIN { print 0.01 * '"$turns"' }')
quoted=$(printf '%s' "$args" | tr -d '"\\' | tr '\n' ' ')
answer="turn $turns with: $quoted"
case $prompt in *verdict*)
  file=$(git diff --name-only HEAD^ HEAD | head -n 1)
  issue='{\"severity\":\"minor\",\"file\":\"'"$file"'\",\"line\":1,\"description\":\"It says too little\",\"suggestion\":\"Say more\"}'
  answer='{\"verdict\":\"request_changes\",\"score\":6,\"summary\":\"Nearly there\",\"issues\":['"$issue"'],\"auto_fixable\":true}' ;;
esac
say '{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","stop_reason":"end_turn","session_id":"'"$session"'","result":"'"$answer"'","total_cost_usd":'"$cost"',"usage":{"input_tokens":100,"output_tokens":10,"cache_read_input_tokens":5,"cache_creation_input_tokens":1}}'
case $prompt in *FAIL*) exit 1 ;; *STAY*) trap '' TERM; sleep 60 & wait; sleep 60 ;; *LEAVE*) exit 0 ;; esac
[ "$asks" = no ] || while read -r rest; do :; done
`;

/** Writes the program below `folder`, where every user can run it; returns its path. */
export async function makeStandInClaude(folder: string): Promise<string> {
  const place = join(folder, 'stand-in');
  await mkdir(place, { recursive: true });
  const path = join(place, 'claude');
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}
