import { readdirSync } from 'node:fs';
import pg from 'pg';
for (const file of readdirSync('schema')) console.log(file, pg);
