"""Parts of pages that are written in JSX: each a folder with a Python wrapper beside its JSX and CSS."""
