from .blocks import Page as Page
from .options import ReportOptions as ReportOptions
from .page import render_html as render_html
from .page import render_markdown as render_markdown
from .page import write_page as write_page
