/** The id of the public client as which `yata login` signs a person in. This file does not import the ORM. */
export const COMMAND_LINE_CLIENT_ID = 'yata';
