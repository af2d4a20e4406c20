import { render } from 'preact';
import { App } from './app.tsx';
import './operations.css';

render(<App />, document.getElementById('page') as HTMLElement);
