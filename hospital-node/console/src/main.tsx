import { render } from 'preact';
import { App } from './app.js';
import { start } from './model.js';
import { applyTheme } from './theme.js';
import './styles.css';
import './desk.css';

applyTheme();
render(<App />, document.getElementById('app')!);
void start();
