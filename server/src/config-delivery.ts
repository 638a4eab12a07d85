import { hostList } from './config-egress.ts';
import {
  anything,
  apiAddress,
  apiKey,
  oneLine,
  onOff,
  privateKey,
  signingSecret,
  sshPath,
  waits,
  wholeNumber,
  type Setting,
} from './config-setting.ts';

/** The settings about forges, pull requests, callbacks and ssh. */
export const deliverySettings: readonly Setting[] = [
  {
    name: 'GITHUB_TOKEN',
    section: 'Delivery',
    about:
      "The server's own token for GitHub, for tasks of administrators that bring none and name no key: git and pull requests.",
    secret: true,
    check: apiKey,
  },
  {
    name: 'SLIPWAY_GITHUB_API_URL',
    section: 'Delivery',
    fallback: 'https://api.github.com',
    about:
      'The API of GitHub; of GitHub Enterprise `https://HOST/api/v3`. Repositories on its host, and on no other, are GitHub repositories.',
    aliases: ['GITHUB_API_URL'],
    check: apiAddress,
  },
  {
    name: 'GITHUB_APP_ID',
    section: 'Delivery',
    about: 'A GitHub App to act as where there is no `GITHUB_TOKEN`: its id or client id.',
    check: oneLine,
  },
  {
    name: 'GITHUB_APP_PRIVATE_KEY',
    section: 'Delivery',
    about: "The app's private key (PEM), or `GITHUB_APP_PRIVATE_KEY_PATH`, a file of it.",
    secret: true,
    check: privateKey,
  },
  {
    name: 'GITHUB_APP_INSTALLATION_ID',
    section: 'Delivery',
    about: "The app's installation. Unset: looked up for each repository.",
    check: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  },
  {
    name: 'GITLAB_TOKEN',
    section: 'Delivery',
    about: 'The same for GitLab.',
    secret: true,
    check: apiKey,
  },
  {
    name: 'SLIPWAY_GITLAB_API_URL',
    section: 'Delivery',
    fallback: 'https://gitlab.com/api/v4',
    about: 'The API of GitLab: `https://HOST/api/v4` of a self-managed one.',
    aliases: ['GITLAB_API_URL'],
    check: apiAddress,
  },
  {
    name: 'SLIPWAY_PULL_REQUEST_TITLE',
    section: 'Delivery',
    fallback: '{title}',
    about:
      "The title of a pull request whose caller gives none. `{title}`: the prompt's first 60 characters; also `{prompt}`, `{task}`, `{branch}`.",
    check: oneLine,
  },
  {
    name: 'SLIPWAY_PULL_REQUEST_BODY',
    section: 'Delivery',
    about:
      'The text of a pull request whose caller gives none, in Markdown, with the words above and `{result}`, `{changes}` (counts), `{files}` (the first 50 by name), `{ticket}`, `{tests}` (what came of the test command; without this word it stands below the text). Unset: ticket, prompt, result, changes with files, tests.',
    check: anything,
  },
  {
    name: 'SLIPWAY_PULL_REQUEST_LABELS',
    section: 'Delivery',
    about: 'Labels for every pull request, separated by commas.',
    check: oneLine,
  },
  {
    name: 'SLIPWAY_PULL_REQUEST_DRAFT',
    section: 'Delivery',
    fallback: 'off',
    about: 'Whether pull requests are opened as drafts where the caller does not say.',
    check: onOff,
  },
  {
    name: 'SLIPWAY_PULL_REQUEST_WAIT_SECONDS',
    section: 'Delivery',
    fallback: '120',
    about:
      'How long the call that opens a pull request waits for it. What is not done by then goes on; the caller is told to come back.',
    check: wholeNumber(1, 3_600),
  },
  {
    name: 'SLIPWAY_CALLBACK_SECRET',
    section: 'Delivery',
    about:
      'Signs callbacks (HMAC-SHA256). Unset: they carry no signature. A secret that begins with `whsec_` is the Base64 of its bytes.',
    aliases: ['CODEFORGE_WEBHOOKS__HMAC_SECRET'],
    secret: true,
    check: signingSecret,
  },
  {
    name: 'SLIPWAY_CALLBACK_WAITS',
    section: 'Delivery',
    fallback: '5,25,125',
    about: 'Seconds between the attempts of a callback, which has one attempt more than there are waits.',
    check: waits,
  },
  {
    name: 'SLIPWAY_ALLOW_PRIVATE_ADDRESSES',
    section: 'Delivery',
    about:
      'Hosts that callbacks and requests of workflows may go to although they have no public address: `hooks.internal`, `*.internal`, `127.0.0.1:9000`; with the port where it is neither 80 nor 443. Unset: none.',
    check: hostList,
  },
  {
    name: 'SLIPWAY_SSH_KNOWN_HOSTS',
    section: 'Delivery',
    about:
      'A file with the keys of ssh hosts, as `known_hosts` has them. Repositories over ssh are taken from these hosts only. Unset: from none.',
    check: sshPath,
  },
];
