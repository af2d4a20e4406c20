import { render } from 'preact';
import { App } from './app.tsx';
import './chat.css';
import './markdown/markdown.css';

render(<App />, document.getElementById('page') as HTMLElement);
