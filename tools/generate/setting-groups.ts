import type { Setting } from '../../src/config/setting.ts';
import { settings } from '../../src/config/settings.ts';

/** The settings in the order of the documentation, each group with its title. */
export const settingGroups = Object.entries(settings).map(([title, group]) => ({
  title,
  settings: Object.values<Setting>(group),
}));
