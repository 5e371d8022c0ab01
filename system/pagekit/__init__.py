"""What all pages share: templates, design tokens, scripts, languages, live updates. Entrypoints alone import it."""
