import { type Exhibit, exhibitName, type Setting, type Settings } from '../../src/sim/exhibits/index.ts'
import { element } from '../common/elements.ts'

/** What may be chosen of an exhibit; each choice is another scenario, by its name. */
export function showSettings(
  place: HTMLElement,
  exhibit: Exhibit | undefined,
  chosen: Settings,
  onName: (name: string) => void,
): void {
  place.hidden = exhibit === undefined
  if (exhibit === undefined) {
    place.replaceChildren()
    return
  }
  const fields = exhibit.settings.map((setting) => {
    const label = element('label', `${setting.label} `)
    const control = controlOf(setting, chosen[setting.name]!)
    control.name = setting.name
    control.addEventListener('change', () => {
      if (!control.checkValidity()) {
        control.reportValidity()
        return
      }
      onName(
        exhibitName(exhibit, {
          ...chosen,
          [setting.name]: 'choices' in setting ? control.value : Number(control.value),
        }),
      )
    })
    label.append(control)
    return label
  })
  // Whoever goes through them by keyboard stays at the one they changed.
  const stayAt = place.contains(document.activeElement)
    ? (document.activeElement as HTMLInputElement).name
    : undefined
  place.replaceChildren(...fields)
  if (stayAt !== undefined) place.querySelector<HTMLElement>(`[name="${stayAt}"]`)?.focus()
}

function controlOf(setting: Setting, value: number | string): HTMLInputElement | HTMLSelectElement {
  if ('choices' in setting) {
    const control = element('select') as HTMLSelectElement
    for (const [i, choice] of setting.choices.entries())
      control.append(new Option(setting.texts?.[i] ?? choice, choice))
    control.value = String(value)
    return control
  }
  const control = element('input') as HTMLInputElement
  Object.assign(control, {
    type: 'number',
    min: String(setting.least),
    max: String(setting.most),
    required: true,
    value: String(value),
  })
  return control
}
