<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Base\IndexController;

class DeclaredController extends IndexController
{
    public function indexAction()
    {
        $this->view->pick('OPNsense/Hearth/declared');
        $this->view->formDialogMachine = $this->getForm('dialogMachine');
        $this->view->formGridMachine = $this->getFormGrid('dialogMachine');
    }
}
