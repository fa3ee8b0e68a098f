"""A ComfyUI that needs no GPU and no models; it behaves as real servers were seen to behave."""
