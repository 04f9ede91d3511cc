<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Base\BaseModel;
use OPNsense\Base\Messages\Message;
use OPNsense\Core\Config;

/**
 * What a person declares of network boot. Rules over one field are in Hearth.xml, those over several are here,
 * and whether the whole of it can be served is judged by `hearth check` when it is applied.
 */
class Hearth extends BaseModel
{
    /**
     * Arrays whose rows have a name that no other row of the same array may have. The core's UniqueConstraint
     * counts names of all arrays of a model together.
     */
    private const NAMED = [
        'images.image', 'profiles.profile', 'machines.machine', 'webhooks.webhook', 'loaders.file',
    ];

    /**
     * Defaults and limits of the agent, asked for here so that the field is named.
     */
    private const HTTP_PORT = 8069;
    private const API_PORT = 8070;
    private const MACS = 8;
    private const ANSWER_BYTES = 512 << 10;
    private const VARIABLE_BYTES = 16 << 10;

    private $messages = null;

    /**
     * @param string $field where it is said
     * @param string $text sentence with the remedy
     */
    private function refuse($field, $text)
    {
        $this->messages->appendMessage(new Message($text, $field));
    }

    /**
     * @param string $path of an array
     * @param bool $all rows that did not change, too
     * @return iterable rows to look at
     */
    private function rows($path, $all)
    {
        foreach ($this->getNodeByReference($path)->iterateItems() as $row) {
            if ($all || $row->isFieldChanged()) {
                yield $row;
            }
        }
    }

    private function checkGeneral()
    {
        $general = $this->general;
        if ($general->enabled->isEqual('1') && !$general->interfaces->isSet()) {
            $this->refuse('general.interfaces', gettext('Choose the interfaces whose machines boot from here.'));
        }
        if ($general->unknown->isEqual('profile') && !$general->unknown_profile->isSet()) {
            $this->refuse('general.unknown_profile', gettext('Choose the profile that unknown machines get.'));
        }
        $http = $general->http_port->isSet() ? $general->http_port->asInt() : self::HTTP_PORT;
        $api = $this->api->port->isSet() ? $this->api->port->asInt() : self::API_PORT;
        if ($this->api->interfaces->isSet() && $http === $api) {
            $this->refuse('api.port', gettext('This port is that of the boot files. Choose another one.'));
        }
        if ($this->loaders->source->isEqual('archive') && !$this->loaders->archive->isSet()) {
            $this->refuse('loaders.archive', gettext('Name the archive, or fetch loaders from a site.'));
        }
    }

    private function checkMenu()
    {
        $items = $this->menu->items->getValues();
        $default = $this->menu->default->getValue();
        if ($default !== '' && !empty($items) && !in_array($default, $items, true)) {
            $this->refuse('menu.default', gettext('The default has to be one of the items.'));
        }
    }

    private function checkNames($all)
    {
        foreach (self::NAMED as $path) {
            $count = [];
            foreach ($this->rows($path, true) as $row) {
                $name = $row->name->getValue();
                $count[$name] = ($count[$name] ?? 0) + 1;
            }
            foreach ($this->rows($path, $all) as $row) {
                if ($count[$row->name->getValue()] > 1) {
                    $this->refuse(
                        $row->name->__reference,
                        gettext('There is another one of this name. Choose a name that is free.')
                    );
                }
            }
        }
    }

    private function checkImages($all)
    {
        $needed = ['talos' => 'version', 'debian' => 'version', 'custom' => 'kernel'];
        $missing = [
            'talos' => gettext('Choose the Talos version, such as v1.11.2.'),
            'debian' => gettext('Name the Debian release, such as bookworm.'),
            'custom' => gettext('Say where the kernel is.'),
        ];
        foreach ($this->rows('images.image', $all) as $image) {
            $recipe = $image->recipe->getValue();
            if (isset($needed[$recipe]) && !$image->{$needed[$recipe]}->isSet()) {
                $this->refuse($image->{$needed[$recipe]}->__reference, $missing[$recipe]);
            }
            if ($recipe !== 'talos') {
                continue;
            }
            if ($image->version->isSet() && !preg_match('/^v[0-9]/', $image->version->getValue())) {
                $this->refuse(
                    $image->version->__reference,
                    gettext('A Talos version begins with v, such as v1.11.2.')
                );
            }
            foreach (['overlay_image' => 'overlay_name', 'overlay_name' => 'overlay_image'] as $given => $other) {
                if ($image->$given->isSet() && !$image->$other->isSet()) {
                    $this->refuse($image->$other->__reference, gettext('An overlay has an image and a name.'));
                }
            }
            foreach (self::lines($image->overlay_options->getValue()) as $line) {
                if (!preg_match('/^[A-Za-z0-9._-]+ *=/', $line)) {
                    $this->refuse(
                        $image->overlay_options->__reference,
                        gettext('Each line is the name of an option, an equals sign and its value.')
                    );
                }
            }
            foreach (self::lines($image->meta->getValue()) as $line) {
                if (!preg_match('/^([0-9]{1,3}) *=/', $line, $part) || (int)$part[1] > 255) {
                    $this->refuse(
                        $image->meta->__reference,
                        gettext('Each line is a key from 0 to 255, an equals sign and its value.')
                    );
                }
            }
        }
    }

    private function checkProfiles($all)
    {
        foreach ($this->rows('profiles.profile', $all) as $profile) {
            $image = $this->getNodeByReference('images.image.' . $profile->image->getValue());
            if ($profile->omni_api->isSet() && $image !== null && !$image->recipe->isEqual('talos')) {
                $this->refuse($profile->omni_api->__reference, gettext('Only Talos joins Omni. Choose a Talos image.'));
            }
            /* a token that was there before goes with the address */
            $given = $profile->omni_token->isFieldChanged() && $profile->omni_token->getValue() !== '';
            $given = $given || $profile->omni_events->isSet() || $profile->omni_logs->isSet();
            if ($given && !$profile->omni_api->isSet()) {
                $this->refuse($profile->omni_api->__reference, gettext('Omni needs its address too.'));
            }
        }
    }

    private function checkAnswers($all)
    {
        $count = [];
        $never = gettext('The profile has answers, which are given out while an installation is under way. ' .
            'Choose what tells that an installation is over.');
        foreach ($this->rows('answers.answer', true) as $answer) {
            $profile = $this->getNodeByReference('profiles.profile.' . $answer->profile->getValue());
            $edited = $all || $answer->isFieldChanged() || ($profile !== null && $profile->isFieldChanged());
            if ($edited && $profile !== null && $profile->installed->isEqual('never')) {
                /* either of both may be what is edited */
                $this->refuse($profile->installed->__reference, $never);
                $this->refuse(
                    $answer->profile->__reference,
                    gettext('Nothing tells that an installation of this profile is over. Choose that there first.')
                );
            }
            $key = $answer->profile->getValue() . ' ' . $answer->name->getValue();
            $count[$key] = ($count[$key] ?? 0) + 1;
        }
        foreach ($this->rows('answers.answer', $all) as $answer) {
            if ($count[$answer->profile->getValue() . ' ' . $answer->name->getValue()] > 1) {
                $this->refuse($answer->name->__reference, gettext('The profile has another answer of this name.'));
            }
            if (strlen($answer->text->getValue()) > self::ANSWER_BYTES) {
                $this->refuse($answer->text->__reference, gettext('An answer has at most 512 KiB.'));
            }
        }
    }

    private function checkVariables($all)
    {
        $count = [];
        $key = fn($row) => $row->profile->getValue() . ' ' . $row->machine->getValue() . ' ' . $row->name->getValue();
        foreach ($this->rows('variables.variable', true) as $row) {
            $count[$key($row)] = ($count[$key($row)] ?? 0) + 1;
        }
        foreach ($this->rows('variables.variable', $all) as $row) {
            if ($row->profile->isSet() === $row->machine->isSet()) {
                $this->refuse($row->profile->__reference, gettext('A variable is a profile\'s or a machine\'s.'));
            }
            if ($count[$key($row)] > 1) {
                $this->refuse($row->name->__reference, gettext('There is another variable of this name.'));
            }
            $value = $row->type->isEqual('secret') ? $row->secret : $row->value;
            if (strlen($value->getValue()) > self::VARIABLE_BYTES) {
                $this->refuse($value->__reference, gettext('A value has at most 16 KiB.'));
            }
            if ($row->type->isEqual('integer') && !preg_match('/^-?[0-9]{1,18}$/D', $value->getValue())) {
                $this->refuse($value->__reference, gettext('A whole number has digits only.'));
            } elseif ($row->type->isEqual('boolean') && !in_array($value->getValue(), ['true', 'false'], true)) {
                $this->refuse($value->__reference, gettext('Write true or false.'));
            } elseif ($row->type->isEqual('secret') && $value->getValue() === '') {
                $this->refuse($value->__reference, gettext('Write the secret.'));
            }
        }
    }

    private function checkPolicies($all)
    {
        $asked = [
            'manufacturer', 'product', 'serial', 'asset', 'smbios_uuid', 'firmware', 'architecture', 'buildarch',
            'cpu_vendor', 'cpu_model', 'memory', 'mac', 'nic', 'busid', 'chip', 'ip', 'subnet', 'hostname', 'switch',
            'port', 'version', 'machine_name', 'tag',
        ];
        foreach ($this->rows('policies.policy', $all) as $policy) {
            foreach ($asked as $field) {
                foreach (self::lines($policy->$field->getValue()) as $line) {
                    $fault = Patterns::fault($field, $line);
                    if ($fault !== null) {
                        $this->refuse($policy->$field->__reference, $fault);
                        break;
                    }
                }
            }
        }
    }

    private function checkMachines($all)
    {
        /* whose a card, a board or an address is: what is written in several ways is compared in one */
        $owners = [];
        foreach ($this->rows('machines.machine', true) as $machine) {
            foreach (self::identities($machine) as $field => $values) {
                foreach ($values as $value) {
                    $owners[$field][$value][$machine->__reference] = $machine->name->getValue();
                }
            }
        }
        $shared = [
            'mac' => gettext('The machine %s has the MAC address %s too. A MAC address is one machine\'s.'),
            'smbios_uuid' => gettext('The machine %s has this UUID too. A UUID is one machine\'s.'),
            'address' => gettext('The machine %s has the address %s too. An address is one machine\'s.'),
        ];
        foreach ($this->rows('machines.machine', $all) as $machine) {
            foreach (self::identities($machine) as $field => $values) {
                foreach ($values as $value) {
                    $others = array_diff_key($owners[$field][$value], [$machine->__reference => '']);
                    if (!empty($others)) {
                        $this->refuse(
                            $machine->$field->__reference,
                            sprintf($shared[$field], reset($others), $value)
                        );
                    }
                }
            }
            if (!$machine->mac->isSet() && !$machine->smbios_uuid->isSet()) {
                $this->refuse(
                    $machine->mac->__reference,
                    gettext('A machine is known by its MAC address or its UUID.')
                );
            }
            if (count($machine->mac->getValues()) > self::MACS) {
                $this->refuse($machine->mac->__reference, gettext('A machine has at most 8 MAC addresses.'));
            }
            $this->checkAddress($machine);
        }
    }

    private function checkAddress($machine)
    {
        if (!$machine->address->isSet()) {
            foreach (['gateway', 'dns', 'interface'] as $field) {
                if ($machine->$field->isSet()) {
                    $this->refuse(
                        $machine->address->__reference,
                        gettext('Without an address of its own the machine asks DHCP for the rest as well.')
                    );
                    return;
                }
            }
            return;
        }
        if (!$machine->gateway->isSet()) {
            $this->refuse($machine->gateway->__reference, gettext('A machine with an address needs its gateway.'));
        } elseif (strpos($machine->address->getValue(), '/') !== false) {
            [$address, $bits] = explode('/', $machine->address->getValue(), 2);
            $mask = (int)$bits === 0 ? 0 : (~0 << (32 - (int)$bits)) & 0xffffffff;
            if (((ip2long($address) ^ ip2long($machine->gateway->getValue())) & $mask) !== 0) {
                $this->refuse(
                    $machine->gateway->__reference,
                    gettext('The gateway is not in the network of the address.')
                );
            }
        }
        if (count($machine->dns->getValues()) > 2) {
            $this->refuse($machine->dns->__reference, gettext('A machine has at most two name servers.'));
        }
    }

    /**
     * @param string $text lines
     * @return array those that say something
     */
    private static function lines($text)
    {
        return array_filter(array_map('trim', explode("\n", $text)), 'strlen');
    }

    /**
     * @return array what no other machine may have, by field
     */
    private static function identities($machine)
    {
        /* a field of a row cannot be called uuid: that is the row's own in grids */
        $result = ['mac' => [], 'smbios_uuid' => [], 'address' => []];
        foreach ($machine->mac->getValues() as $mac) {
            $digits = strtolower(preg_replace('/[^0-9a-fA-F]/', '', $mac));
            $result['mac'][] = implode(':', str_split($digits, 2));
        }
        if ($machine->smbios_uuid->isSet()) {
            /* the firmware of some boards swaps the bytes of the first three groups; both are one board */
            $uuid = strtolower($machine->smbios_uuid->getValue());
            $swapped = preg_replace(
                '/^(..)(..)(..)(..)-(..)(..)-(..)(..)-/',
                '$4$3$2$1-$6$5-$8$7-',
                $uuid
            );
            $result['smbios_uuid'][] = min($uuid, $swapped);
        }
        if ($machine->address->isSet()) {
            $result['address'][] = explode('/', $machine->address->getValue())[0];
        }
        return $result;
    }

    /**
     * {@inheritdoc}
     */
    public function performValidation($validateFullModel = false)
    {
        $this->messages = parent::performValidation($validateFullModel);
        /* what is on another page and was wrong before does not keep this one from being saved */
        foreach (['general', 'api', 'loaders'] as $section) {
            if ($validateFullModel || $this->$section->isFieldChanged()) {
                $this->checkGeneral();
                break;
            }
        }
        if ($validateFullModel || $this->menu->isFieldChanged()) {
            $this->checkMenu();
        }
        $this->checkNames($validateFullModel);
        $this->checkImages($validateFullModel);
        $this->checkProfiles($validateFullModel);
        $this->checkAnswers($validateFullModel);
        $this->checkVariables($validateFullModel);
        $this->checkPolicies($validateFullModel);
        $this->checkMachines($validateFullModel);
        return $this->messages;
    }

    /**
     * @return array interfaces that lead to other networks: they have a gateway, or get their address from one
     */
    public function upstream(): array
    {
        $result = [];
        foreach (Config::getInstance()->object()->interfaces->children() as $name => $interface) {
            $gateways = array_filter(
                [(string)$interface->gateway, (string)$interface->gatewayv6],
                fn($gateway) => !in_array($gateway, ['', 'none'], true)
            );
            $address = (string)$interface->ipaddr;
            if (!empty($gateways) || ($address !== '' && filter_var($address, FILTER_VALIDATE_IP) === false)) {
                $result[] = $name;
            }
        }
        return $result;
    }

    /**
     * @param string $uuid of an image, profile or machine
     * @return array what refers to it, as people call it
     */
    public function usedBy($uuid)
    {
        $texts = [
            'profiles.profile' => gettext('profile %s'),
            'answers.answer' => gettext('answer %s'),
            'variables.variable' => gettext('variable %s'),
            'policies.policy' => gettext('policy %s'),
            'machines.machine' => gettext('machine %s'),
        ];
        $result = [];
        foreach ($texts as $path => $text) {
            foreach ($this->rows($path, true) as $row) {
                foreach (['image', 'profile', 'machine'] as $field) {
                    if ($row->hasChild($field) && $row->$field->isEqual($uuid)) {
                        $result[] = sprintf($text, $row->name->getValue());
                    }
                }
            }
        }
        if (in_array($uuid, $this->menu->items->getValues(), true) || $this->menu->default->isEqual($uuid)) {
            $result[] = gettext('the menu');
        }
        if ($this->general->unknown_profile->isEqual($uuid)) {
            $result[] = gettext('the settings, for unknown machines');
        }
        return $result;
    }
}
