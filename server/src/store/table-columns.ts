import type { ColumnType } from 'kysely';

/** A column of JSON: read as what it holds, written as text. */
export type Json<Value> = ColumnType<Value, string, string>;
export type NullableJson<Value> = ColumnType<Value | null, string | null, string | null>;

/** When a row was made: the database says. */
export type Created = ColumnType<Date, never, never>;
