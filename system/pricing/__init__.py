"""Pricing: quotes for custom and ready-made goods, and the workers that measure 3D models."""
