import { start } from './ingest.js';
start();
