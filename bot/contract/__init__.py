"""All that an adapter sees of the core: values, the card, the ports."""
