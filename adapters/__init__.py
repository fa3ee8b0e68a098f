"""One folder a platform: what people write comes in, cards go out."""
