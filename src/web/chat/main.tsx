import { render } from 'preact';
import { leaveNothing } from '../components/leave-nothing.ts';
import { App } from './app.tsx';
import './chat.css';
import './markdown/markdown.css';

leaveNothing();
render(<App />, document.getElementById('page') as HTMLElement);
