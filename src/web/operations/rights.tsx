import { type ComponentChildren, createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { AdminRight } from '../../contracts/admin-rights.ts';
import type { AdminMe } from '../../contracts/http/admin-me.ts';

/** Who is logged in; undefined until it is known. */
export const Me = createContext<AdminMe | undefined>(undefined);

/** Whether the person may do something. Until it is known, nobody may. */
export const useMay = (right: AdminRight): boolean => useContext(Me)?.may.includes(right) ?? false;

/** Shows what only somebody needs who may do something, such as the button for it. The API checks each request all the same. */
export const IfAllowed = ({ to, children }: { to: AdminRight; children: ComponentChildren }) =>
  useMay(to) ? children : null;
