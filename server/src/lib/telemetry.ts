import { silentMeter, type Meter } from './metrics.ts';
import { silentTracer, type Tracer } from './tracer.ts';

/** With what a room lets itself be watched. */
export type Telemetry = { readonly meter: Meter; readonly tracer: Tracer };

/** Nobody watches. */
export const silentTelemetry: Telemetry = { meter: silentMeter, tracer: silentTracer };
