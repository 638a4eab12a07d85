import { socketPort } from './folders.ts';

/**
 * What the postmaster is started with. On the command line, so that a newer version of this program brings
 * its own settings to an old cluster. Durability stays at PostgreSQL's defaults (fsync, full page writes,
 * synchronous commit).
 */
export function serverSettings(clusterFolder: string, socketFolder: string): readonly string[] {
  const settings: Readonly<Record<string, string | number>> = {
    listen_addresses: '',
    unix_socket_directories: `"${socketFolder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    port: socketPort,
    max_connections: 60,
    // 16.5 MB idle instead of 21.6: a small pool, no I/O workers, no processes for replication.
    shared_buffers: '32MB',
    io_method: 'sync',
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_logical_replication_workers: 0,
    huge_pages: 'off',
    // The statements are short: compiling them costs more than running them.
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    // The file is bounded only at starts, and a failed statement's values are nobody's business: its sender
    // gets the error, the log gets what the server has to say about itself.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    log_error_verbosity: 'terse',
  };
  return [
    '-D',
    clusterFolder,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}
