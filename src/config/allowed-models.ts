/** The models that a request may choose at the first provider: CHAT_MODEL, and then the others of ALLOWED_MODELS. */
export const allowedModelsOf = (config: { chatModel: string; allowedModels: readonly string[] }): string[] => [
  ...new Set([config.chatModel, ...config.allowedModels]),
];
