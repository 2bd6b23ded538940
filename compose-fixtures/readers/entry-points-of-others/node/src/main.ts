import express from 'express';
import { routes } from './routes';
express().use(routes).listen(3000);
