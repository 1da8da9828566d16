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
  place.replaceChildren(...fields)
}

function controlOf(setting: Setting, value: number | string): HTMLInputElement | HTMLSelectElement {
  if ('choices' in setting) {
    const control = element('select') as HTMLSelectElement
    for (const choice of setting.choices) control.append(new Option(choice, choice))
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
