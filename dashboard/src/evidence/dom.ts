/** Elements of an evidence file's page: what the file holds is written as text alone. */

export type Attributes = { readonly [attribute: string]: string };

export function make(tag: string, attributes: Attributes, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A button that saves a text as a file. */
export function saveButton(label: string, name: string, content: string): HTMLElement {
  const button = make('button', { type: 'button' }, label);
  button.addEventListener('click', () => {
    const url = URL.createObjectURL(new Blob([content]));
    const link = make('a', { href: url, download: name });
    link.click();
    URL.revokeObjectURL(url);
  });
  return button;
}
