/** The todo id in the examples of tools. No todo has it. */
export const EXAMPLE_ID = '00000000-0000-4000-8000-000000000000';
